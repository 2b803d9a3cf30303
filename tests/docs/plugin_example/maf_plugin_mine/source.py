from maf_core import BadEntryError, BaseSource, SourceConfig, SourceResult, StreamFreshness, StreamView
from maf_core.clock import parse_time


class Config(SourceConfig):
    stream: str = "mine:levels"


def rows(payload):
    """(key, when it became known, item) for each thing an entry says."""
    try:
        known = parse_time(payload["ts"])
        return [(payload["symbol"], known.timestamp(), (known, float(payload["level"])))]
    except (KeyError, ValueError) as error:
        raise BadEntryError(f"no level: {error}") from error


class MyLevels(BaseSource):
    """Answers with the last level known at the time."""

    name = "my_levels"
    Config = Config

    def __init__(self, redis, config):
        super().__init__(redis, config)
        self._view = StreamView(redis, config.stream, rows)

    @classmethod
    def freshness_spec(cls, config):
        return StreamFreshness(config.stream)

    async def fetch(self, query):
        found = await self._view.latest(query.target["ticker"], query.as_of.timestamp(), 1)
        if not found:
            return SourceResult(None, gaps=("no_my_levels",))
        known, level = found[0]
        return SourceResult(level, known)
