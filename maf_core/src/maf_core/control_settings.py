"""Settings of the control plane."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ControlSettings(BaseModel):
    """What is taken from `maf:control:in`, and when a changed configuration is.

    `max_command_bytes`: a larger command is refused. `watch_config`: whether the files of the config folder are looked
    at every second; `maf service reload` works either way.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_command_bytes: int = Field(65_536, ge=1024)
    watch_config: bool = True
