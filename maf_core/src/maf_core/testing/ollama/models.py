"""What the stand-in has to offer, as Ollama lists it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MODIFIED = "2026-08-06T14:31:22.123456789Z"
_EXPIRES = "2318-11-21T10:05:00Z"
_THINKERS = ("gpt-oss", "qwen3", "deepseek", "glm", "kimi", "minimax", "nemotron")
_CLOUD = "https://ollama.com:443"


@dataclass(frozen=True, slots=True)
class StandInModel:
    """A model of the stand-in. `remote`: it runs in Ollama's cloud, which enforces no schemas."""

    name: str
    remote: bool = False
    context_length: int = 131_072
    capabilities: tuple[str, ...] | None = None

    @property
    def base(self) -> str:
        """The name without what says that it runs in the cloud; answers carry this one."""
        return self.name.removesuffix("-cloud").removesuffix(":cloud")

    @property
    def family(self) -> str:
        """As in `details`."""
        return self.base.partition(":")[0].replace("-", "")

    @property
    def can(self) -> tuple[str, ...]:
        """What the model is capable of."""
        if self.capabilities is not None:
            return self.capabilities
        return ("completion", "tools", *(("thinking",) if self.base.startswith(_THINKERS) else ()))


def models_of(names: Iterable[str | StandInModel], *, cloud: bool) -> dict[str, StandInModel]:
    """The models by name. In the cloud all are remote; elsewhere those whose name says so."""
    made = [_made(name, cloud) for name in names]
    return {model.name: model for model in made}


def _made(name: str | StandInModel, cloud: bool) -> StandInModel:
    if isinstance(name, StandInModel):
        return name
    remote = cloud or name.endswith(("-cloud", ":cloud"))
    return StandInModel(name if ":" in name or remote else f"{name}:latest", remote)


def find(models: Mapping[str, StandInModel], name: str) -> StandInModel | None:
    """The model of this name; a name without a tag means `latest`."""
    return models.get(name) or models.get(f"{name}:latest")


def details(model: StandInModel) -> dict[str, Any]:
    """Format, family and size."""
    size = model.base.partition(":")[2].upper()
    return {
        "parent_model": "",
        "format": "" if model.remote else "gguf",
        "family": model.family,
        "families": None if model.remote else [model.family],
        "parameter_size": size if size.endswith("B") else "8.0B",
        "quantization_level": "" if model.remote else "Q4_K_M",
    }


def listed(model: StandInModel, *, cloud: bool) -> dict[str, Any]:
    """One row of `/api/tags`. A daemon says of a remote model where it really is; the cloud itself does not."""
    row = {
        "name": model.name,
        "model": model.name,
        "modified_at": MODIFIED,
        "size": 384 if model.remote and not cloud else 13_780_173_839,
        "digest": hashlib.sha256(model.name.encode()).hexdigest(),
        "details": {**details(model), "context_length": model.context_length},
        "capabilities": list(model.can),
    }
    if model.remote and not cloud:
        row |= {"remote_model": model.base, "remote_host": _CLOUD}
    return row


def loaded(model: StandInModel) -> dict[str, Any]:
    """One row of `/api/ps`."""
    row = listed(model, cloud=False)
    row = {name: row[name] for name in ("name", "model", "size", "digest", "details")}
    return row | {"expires_at": _EXPIRES, "size_vram": row["size"], "context_length": 4096}


def shown(model: StandInModel) -> dict[str, Any]:
    """The answer of `/api/show`."""
    return {
        "license": "Apache License 2.0",
        "parameters": "temperature 1",
        "template": "{{ .Prompt }}",
        "details": details(model),
        "model_info": {
            "general.architecture": model.family,
            f"{model.family}.context_length": model.context_length,
        },
        "capabilities": list(model.can),
        "modified_at": MODIFIED,
    }
