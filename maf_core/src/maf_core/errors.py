"""Every error MAF raises on purpose. Each message says what is wrong and what to do next."""

from __future__ import annotations


class MAFError(Exception):
    """The root of the tree. `exit_code` is what the command line ends with."""

    exit_code = 1


class UsageError(MAFError):
    """The user asked for something that cannot be: a wrong option, name or file."""

    exit_code = 2


class ConfigError(UsageError):
    """A settings file or an arena's YAML does not validate.

    `at`: where in the part that was looked at, as keys and indexes, so that it can be found in the file.
    """

    def __init__(self, message: str, at: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.at = at


class UnknownPluginError(UsageError):
    """A plugin was asked for by a name that no installed distribution has."""


class UnknownNameError(UsageError):
    """An arena, source, agent role or symbol was asked for by a name nobody registered."""


class ActionError(UsageError):
    """An action was to be approved or rejected that waits for nobody: it is unknown, decided or expired."""


class ExpressionError(ConfigError):
    """A trigger expression or target template is not in the language, or does not apply to an entry.

    `column`: where in the text, from 1; None when it is about all of it. `reason`: the message without it.
    """

    def __init__(self, reason: str, column: int | None = None) -> None:
        super().__init__(reason if column is None else f"{reason} (column {column}).")
        self.reason = reason
        self.column = column


class PluginError(MAFError):
    """A plugin could not be loaded, or gave records that do not validate."""


class RedisUnavailableError(MAFError):
    """No server answers at the configured address."""


class EmbeddedServerError(MAFError):
    """The embedded server could not be started."""


class TradingStateError(MAFError):
    """What the risk gate has to know cannot be read on the server; until it can, nothing is traded."""


class BadEntryError(MAFError):
    """A stream entry that cannot be read; it is skipped and counted, never fatal."""


class SourceError(MAFError):
    """A source failed in a way that is not just missing data."""


class LLMError(MAFError):
    """A language model could not be asked, or gave no answer that fits."""


class NoModelError(LLMError):
    """No model is configured here ("rules"), or none of those that are answers."""


class BudgetExceededError(LLMError):
    """The call would cost more than what is left of a budget."""


class BadAnswerError(LLMError):
    """The model's answers do not fit what was asked for, also after asking again."""


class TelemetryError(UsageError):
    """Traces or metrics are configured, but cannot be had here."""


class MissingPackageError(MAFError):
    """An extra of the distribution is not installed; the sentence is the command that installs it."""


class RunError(MAFError):
    """A run could not be finished; a well-formed HOLD goes out in its place."""


class RunTakenError(RunError):
    """Another worker has taken the run up: nothing that this one still finds out about it is saved."""
