"""One model for all settings: command line over environment (MAF_*, REDIS_URL) over `maf.yaml` over defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from maf_core.errors import ConfigError

FILE_NAME = "maf.yaml"

SectionT = TypeVar("SectionT", bound=BaseSettings)


class RiskSettings(BaseModel):
    """Limits of the risk gate. Fractions are of the arena's equity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_size_fraction: float = Field(0.25, gt=0, le=1)
    min_confidence: float = Field(0.0, ge=0, le=1)
    check_timeout_s: float = Field(5.0, gt=0)


class BudgetLimits(BaseModel):
    """What may be spent: `tokens` (in and out), `usd`, `calls`, and `seconds` of waiting. None: no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: int | None = Field(None, ge=0)
    usd: float | None = Field(None, ge=0, allow_inf_nan=False)
    calls: int | None = Field(None, ge=0)
    seconds: float | None = Field(None, ge=0, allow_inf_nan=False)


class PriceSettings(BaseModel):
    """What a model costs, in USD per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)


class ProviderSettings(BaseModel):
    """Where a provider answers. `concurrency`: calls at once, of this process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str | None = None
    api_key: SecretStr | None = None
    concurrency: int = Field(4, ge=1)


class LLMSettings(BaseModel):
    """Language models.

    `model`: what agents ask that name none: "rules" (no model at all), "provider:model", or "profile:NAME" for the best
    that the profile offers. `cheaper_model` is asked instead once a budget is nearly spent. `profiles` replaces the
    built-in order of a profile. `day` is shared by all services on one Redis.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "rules"
    cheaper_model: str | None = None
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
    profiles: dict[str, list[str]] = Field(default_factory=dict)
    prices: dict[str, PriceSettings] = Field(default_factory=dict)
    day: BudgetLimits = BudgetLimits()
    max_output_tokens: int = Field(2000, ge=1)
    call_timeout_s: float = Field(60.0, gt=0)


class _Sections(BaseModel):
    plugins: dict[str, dict[str, Any]] = Field(default_factory=dict)


class _FileSettings(BaseSettings):
    """Settings whose lowest layer is a mapping read from a file."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # What comes in as keywords was read from the file, so the environment wins over it.
        return env_settings, init_settings


class Settings(_FileSettings):
    """What a MAF process needs to know. Durations are seconds."""

    model_config = SettingsConfigDict(env_prefix="MAF_", extra="forbid", frozen=True, populate_by_name=True)

    redis_url: str = Field(
        "redis://localhost:6379/0", validation_alias=AliasChoices("MAF_REDIS_URL", "REDIS_URL", "redis_url")
    )
    data_dir: Path = Path("~/.maf/data")
    max_concurrent_runs: int = Field(8, ge=1)
    lease_s: float = Field(60.0, gt=0)
    drain_s: float = Field(20.0, ge=0)
    run_retention_s: int = Field(7 * 86_400, ge=60)
    stream_maxlen: int = Field(100_000, ge=1000)
    risk: RiskSettings = RiskSettings()
    llm: LLMSettings = LLMSettings()
    # Not a field: MAF_PLUGINS chooses plugins, and must not be read as their settings.
    _sections: dict[str, dict[str, Any]] = PrivateAttr(default_factory=dict)

    def __init__(self, plugins: dict[str, dict[str, Any]] | None = None, **values: Any) -> None:
        super().__init__(**values)
        self._sections = _Sections(plugins=plugins or {}).plugins

    def section(self, plugin: str, model: type[SectionT]) -> SectionT:
        """A plugin's own settings: its environment variables over `plugins.<name>` in the file.

        Raises `ConfigError` naming the section and each wrong key.
        """
        try:
            return model(**self._sections.get(plugin, {}))
        except ValidationError as error:
            raise ConfigError(f"plugins.{plugin} in {FILE_NAME}: {explain(error)}") from error
        except SettingsError as error:
            raise ConfigError(f"The environment is not valid: {error}. Write it as JSON.") from error


class PluginSettings(_FileSettings):
    """Base of a plugin's settings; set `env_prefix` in its `model_config`."""


def load_settings(config_dir: Path | None = None, **overrides: Any) -> Settings:
    """Read `maf.yaml` of the config folder, if there is one; `overrides` (the command line) win over everything.

    Raises `ConfigError` with the file and each wrong key.
    """
    path = config_dir / FILE_NAME if config_dir else None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path and path.exists() else {}
        settings = Settings(**content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except SettingsError as error:
        raise ConfigError(f"The environment is not valid: {error}. Write it as JSON.") from error
    except ValidationError as error:
        raise ConfigError(f"{path or 'The environment'} is not valid: {explain(error)}") from error
    return settings.model_copy(update={name: value for name, value in overrides.items() if value is not None})


def explain(error: ValidationError) -> str:
    """A validation error in one line of the user's words."""
    return "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'value'}: {item['msg'][0].lower()}{item['msg'][1:]}"
        for item in error.errors()
    )
