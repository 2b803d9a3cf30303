"""One model for all settings: command line over environment (MAF_*, REDIS_URL) over `maf.yaml` over defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from maf_core.control_settings import ControlSettings
from maf_core.errors import ConfigError
from maf_core.mistakes import mistakes_in, told
from maf_core.risk_settings import ExecutionSettings, RiskSettings
from maf_core.yaml_lines import Document, Location, inside, read_document

FILE_NAME = "maf.yaml"

SectionT = TypeVar("SectionT", bound=BaseSettings)


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


def _web_address(value: str) -> str:
    """Checked without showing it: people put passwords into addresses."""
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        fits = False
    if not fits:
        raise ValueError("write it as http://host:port; a key or password belongs under api_key")
    return value


class ProviderSettings(BaseModel):
    """Where models answer.

    `kind`: what speaks there ("ollama", "openai", or a provider of a plugin); by default the name that it stands under.
    `concurrency`: calls at once, of this process. `enforces_schemas`: whether the server makes answers fit a JSON
    schema; by default what is known of its kind.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str | None = None
    base_url: Annotated[str, AfterValidator(_web_address)] | None = None
    api_key: SecretStr | None = None
    concurrency: int = Field(4, ge=1)
    enforces_schemas: bool | None = None


class RankingsSettings(BaseModel):
    """Where rankings of models come from. Keys also from OPENROUTER_API_KEY and ARTIFICIAL_ANALYSIS_API_KEY.

    `ttl_s`: how long what was fetched is used; both services change daily and count requests.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    openrouter_url: str = "https://openrouter.ai/api/v1"
    openrouter_key: SecretStr | None = None
    analysis_url: str = "https://artificialanalysis.ai/api/v2"
    analysis_key: SecretStr | None = None
    ttl_s: float = Field(86_400.0, gt=0)


class LLMSettings(BaseModel):
    """Language models.

    `model`: what agents ask that name none: "rules" (no model at all), "provider:model", or "profile:NAME" for the best
    that the profile offers. `cheaper_model` is asked instead once a budget is nearly spent. `profiles` replaces the
    built-in order of a profile. `day` is shared by all services on one Redis. `use_rankings` (or MAF_USE_RANKINGS=1):
    a profile's order follows public benchmarks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "rules"
    cheaper_model: str | None = None
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
    profiles: dict[str, list[str]] = Field(default_factory=dict)
    prices: dict[str, PriceSettings] = Field(default_factory=dict)
    day: BudgetLimits = BudgetLimits()
    use_rankings: bool = False
    rankings: RankingsSettings = RankingsSettings()
    max_output_tokens: int = Field(2000, ge=1)
    call_timeout_s: float = Field(60.0, gt=0)


class TelemetrySettings(BaseModel):
    """What can be seen from outside: nothing by default.

    `traces`: the OTLP/HTTP endpoint that spans are sent to, or "env" for what OTEL_EXPORTER_OTLP_ENDPOINT says.
    `metrics_port`: where Prometheus finds a service's metrics, 0 for a free port; `metrics_host` listens.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    traces: str | None = Field(None, pattern=r"^(env|https?://.+)$")
    metrics_port: int | None = Field(None, ge=0, le=65535)
    metrics_host: str = "127.0.0.1"


class EmbeddedSettings(BaseModel):
    """The server that MAF brings.

    `appendfsync`: what is acknowledged is on the disk ("always"), or will be within a second or two ("everysec").
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    appendfsync: Literal["always", "everysec"] = "always"


class WatchSettings(BaseModel):
    """For how long, in seconds from then, a target stays watched when an arena runs for it or a trigger rule fires.

    0: that does not make it watched.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    arena_ttl_s: float = Field(7 * 86_400.0, ge=0, allow_inf_nan=False)
    trigger_ttl_s: float = Field(7 * 86_400.0, ge=0, allow_inf_nan=False)


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
    embedded: EmbeddedSettings = EmbeddedSettings()
    max_concurrent_runs: int = Field(8, ge=1)
    lease_s: float = Field(60.0, gt=0)
    drain_s: float = Field(20.0, ge=0)
    run_retention_s: int = Field(7 * 86_400, ge=60)
    run_keep: int = Field(2000, ge=1)
    stream_maxlen: int = Field(100_000, ge=1000)
    stream_maxlens: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    risk: RiskSettings = RiskSettings()
    execution: ExecutionSettings = ExecutionSettings()
    control: ControlSettings = ControlSettings()
    watch: WatchSettings = WatchSettings()
    llm: LLMSettings = LLMSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    dashboard_token: SecretStr | None = None
    # Not a field: MAF_PLUGINS chooses plugins, and must not be read as their settings.
    _sections: dict[str, dict[str, Any]] = PrivateAttr(default_factory=dict)
    _document: Document = PrivateAttr(default_factory=Document)

    def __init__(self, plugins: dict[str, dict[str, Any]] | None = None, **values: Any) -> None:
        super().__init__(**values)
        self._sections = _Sections(plugins=plugins or {}).plugins

    @property
    def written(self) -> dict[str, Any]:
        """What `maf.yaml` says; nothing without one."""
        return self._document.data or {}

    def maxlen_of(self, stream: str) -> int:
        """How many entries this stream is shortened to."""
        return self.stream_maxlens.get(stream, self.stream_maxlen)

    def section(self, plugin: str, model: type[SectionT]) -> SectionT:
        """A plugin's own settings: its environment variables over `plugins.<name>` in the file.

        Raises `ConfigError` naming each wrong key, and its place in the file.
        """
        try:
            return model(**self._sections.get(plugin, {}))
        except ValidationError as error:
            raise ConfigError(_told(error, model, self._document, ("plugins", plugin))) from error
        except SettingsError as error:
            raise ConfigError(f"The environment is not valid: {error}. Write it as JSON.") from error


class PluginSettings(_FileSettings):
    """Base of a plugin's settings; set `env_prefix` in its `model_config`."""


def load_settings(config_dir: Path | None = None, **overrides: Any) -> Settings:
    """Read `maf.yaml` of the config folder, if there is one; `overrides` (the command line) win over everything.

    Raises `ConfigError`, a line for each mistake with its place in the file.
    """
    path = config_dir / FILE_NAME if config_dir else None
    document = read_document(path) if path and path.exists() else Document()
    content = document.data or {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ConfigError(f"{path}:1:1: settings are a mapping of words, as in `lease_s: 60`")
    try:
        settings = Settings(**content)
    except SettingsError as error:
        raise ConfigError(f"The environment is not valid: {error}. Write it as JSON.") from error
    except ValidationError as error:
        raise ConfigError(_told(error, Settings, document)) from error
    settings._document = document
    return settings.model_copy(update={name: value for name, value in overrides.items() if value is not None})


def _told(error: ValidationError, model: type[BaseModel], document: Document, base: Location = ()) -> str:
    """One line for each mistake: where it stands in the file, or that it came from the environment, which wins."""
    errors = error.errors()
    written = [item for item in errors if _is_from(document, (*base, *item["loc"]), item["input"])]
    elsewhere = [item for item in errors if item not in written]
    lines = [told(document, mistakes_in(written, model, document, base), "The settings")] if written else []
    if elsewhere:
        lines.append(told(Document(), mistakes_in(elsewhere, model, Document(), base), "The environment is not valid"))
    return "\n".join(lines)


def _is_from(document: Document, at: Location, value: Any) -> bool:
    near = document.known(at)
    return bool(near) and bool(inside(document.data, near) == value)


def explain(error: ValidationError) -> str:
    """A validation error in one line of the user's words."""
    return "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'value'}: {item['msg'][0].lower()}{item['msg'][1:]}"
        for item in error.errors()
    )
