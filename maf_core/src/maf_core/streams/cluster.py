"""What is different on a Redis Cluster: its client, and which keys one command reaches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import AbstractStrategy, ClusterPipeline, TransactionStrategy
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterError,
    RedisClusterException,
    SlotNotCoveredError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from maf_core.tasks import to_its_end

# To each node, when the address does not say how many. Half are for commands, blocking reads among them, half for
# pipelines.
_CONNECTIONS = 1024
# For looking which node serves what.
_SPARE = 8
# A node is down, or the slots are on their way from one to another.
_UNSETTLED = (ClusterError, SlotNotCoveredError, AskError, TryAgainError)
_CONNECTION = (RedisConnectionError, RedisTimeoutError)


def by_slot(redis: Redis, streams: Iterable[str]) -> list[list[str]]:
    """The streams that one command may read together: all on a single server, those of one slot on a cluster."""
    if not isinstance(redis, RedisCluster):
        return [list(streams)]
    slots: dict[int, list[str]] = {}
    for stream in streams:
        slots.setdefault(key_slot(stream.encode()), []).append(stream)
    return list(slots.values())


async def every_node(redis: Any, *command: Any) -> list[Any]:
    """What each node answers; the only one where there is no cluster."""
    if not isinstance(redis, ClusterClient):
        return [await redis.execute_command(*command)]
    answers = await redis.execute_command(*command, target_nodes=redis.PRIMARIES)
    return list(answers.values())


class ClusterClient(RedisCluster):
    """A client of a cluster that behaves as the one of a single server does.

    Whoever finds all connections taken waits for one, and whatever keeps the cluster from serving a command is a
    `ConnectionError`.
    """

    def __init__(self, max_connections: int = _CONNECTIONS, **options: Any) -> None:
        super().__init__(max_connections=max_connections + _SPARE, **options)
        # These are for one node only in redis-py; as one server, the cluster answers when all of it does.
        self.command_flags |= dict.fromkeys(("PING", "KEYS", "DBSIZE", "CONFIG SET"), self.PRIMARIES)
        places = max(1, max_connections // 2)
        self.pipelines = asyncio.Semaphore(places)
        self._commands = asyncio.Semaphore(places)
        self._closed = False

    async def initialize(self, *args: Any, **options: Any) -> RedisCluster:
        """Look which node serves which slot."""
        if self._closed:  # else whoever was still reading would open it again
            raise RedisConnectionError("the client is closed")
        try:
            return await super().initialize(*args, **options)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run one command on the node that serves its key."""
        with _one_kind_of_error():
            async with self._commands:
                return await super().execute_command(*args, **options)

    async def _determine_slot(self, command: str, *args: Any) -> int:
        # redis-py asks a node which words of these are keys, each time anew, and fails when that node is down.
        if command in ("XREAD", "XREADGROUP"):
            words = args[args.index(b"STREAMS") + 1 :]
            slots = {self.keyslot(key) for key in words[: len(words) // 2]}
            if len(slots) == 1:
                return slots.pop()
        return int(await super()._determine_slot(command, *args))

    async def aclose(self) -> None:
        """Have the next command look at the cluster anew.

        redis-py calls this for that, and closes every connection then, whoever is waiting for an answer on it.
        """
        self._initialize = True

    async def close_connections(self) -> None:
        """The end of the client."""
        self._initialize = self._closed = True
        await self.nodes_manager.aclose()
        await self.nodes_manager.aclose("startup_nodes")

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        """Commands of any slots, or with `transaction` those of one slot, in one round trip."""
        return _Pipeline(self, transaction)  # type: ignore[abstract]


class _Pipeline(ClusterPipeline):
    cluster_client: ClusterClient

    def __init__(self, client: ClusterClient, transaction: bool | None) -> None:
        super().__init__(client, transaction)
        if transaction:
            self._execution_strategy = _Transaction(self)

    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:
        with _one_kind_of_error():
            # Not a command's place: a pipeline that is redirected runs commands.
            async with self.cluster_client.pipelines:
                answers = await super().execute(raise_on_error, allow_redirections)
            for answer in answers:
                # `raise_on_error=False` is about what the commands say, not about a node that says nothing.
                if _is_away(answer):
                    raise answer
            return answers

    def unlink(self, *names: Any) -> Any:
        """Queued like every other command; in redis-py's own it has to be awaited."""
        return self.execute_command("UNLINK", *names)


class _Transaction(TransactionStrategy):
    """Queues commands as they come; redis-py's own starts a thread with an event loop for each, and waits for it."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if self._watching or args[0] in self.IMMEDIATE_EXECUTE_COMMANDS:
            return super().execute_command(*args, **options)
        options.pop("keys", None)  # for redis-py's cache; what makes a bool of HEXISTS' answer does not take it
        return AbstractStrategy.execute_command(self, *args, **options)

    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:
        client = self._pipe.cluster_client
        await client.initialize()
        self._pipeline_slots |= {await client._determine_slot(*command.args) for command in self._command_queue}
        return await super().execute(raise_on_error, allow_redirections)


@asynccontextmanager
async def cluster(options: Mapping[str, Any]) -> AsyncIterator[ClusterClient]:
    """A client of the cluster to which the node with these connection options belongs."""
    client = ClusterClient(**options)
    try:
        await client.initialize()
        yield client
    finally:
        await to_its_end(client.close_connections())


@contextmanager
def _one_kind_of_error() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not _is_away(error) or isinstance(error, _CONNECTION):
            raise
        closed = "its connection was closed meanwhile" if isinstance(error, AttributeError) else str(error)
        raise RedisConnectionError(closed) from error


def _is_away(found: object) -> bool:
    if isinstance(found, AttributeError):
        # In redis-py a command that fails closes connections which another one may be about to write to.
        return found.name is not None and found.obj is None
    return isinstance(found, (*_CONNECTION, *_UNSETTLED))
