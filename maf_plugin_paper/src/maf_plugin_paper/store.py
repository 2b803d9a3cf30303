"""The accounts on the server, and the one script that changes an account and publishes what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from redis.asyncio import Redis

from maf_core.streams.codec import FIELD, encode
from maf_core.streams.names import OUTCOMES, beside
from maf_core.streams.publish import MARKER_SECONDS
from maf_core.streams.raw import text
from maf_plugin_paper.account import Account
from maf_plugin_paper.ledger import Step, emptied

# In the cluster slot of the outcomes, so that one script can touch both.
ACCOUNTS = beside(OUTCOMES, "paper", "accounts")

# The account and its outcomes are written in one step, and only if nobody changed the account since it was read.
# KEYS[3], when given, names an order that must count once.
_SWAP = """
if KEYS[3] and redis.call('EXISTS', KEYS[3]) == 1 then return 1 end
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
for i = 6, #ARGV do redis.call('XADD', KEYS[2], '*', ARGV[5], ARGV[i]) end
if KEYS[3] then redis.call('SET', KEYS[3], '1', 'EX', ARGV[4]) end
return 1
"""


class AccountStore:
    """One hash with a field for each arena."""

    def __init__(self, redis: Redis, initial_equity: float) -> None:
        self._redis = redis
        self._initial = initial_equity
        self._swap = redis.register_script(_SWAP)

    async def load(self, arena: str) -> Account:
        """The arena's account; a new one if it has none."""
        return self._parse(await self._redis.hget(ACCOUNTS, arena))

    async def change(self, arena: str, apply: Callable[[Account], Step], once: str | None = None) -> None:
        """Replace the account by what `apply` makes of it, and publish the outcomes, in one atomic step.

        `apply` is asked again when somebody else was faster, so it must have no effects of its own. With `once`, a key
        that was used within the last seven days changes nothing.
        """
        keys = [ACCOUNTS, OUTCOMES, *([beside(OUTCOMES, "paper", "once", once)] if once else [])]
        while True:
            before = await self._redis.hget(ACCOUNTS, arena)
            account = self._parse(before)
            step = apply(account)
            if step.account == account and not step.outcomes:
                return
            now = datetime.now(UTC).isoformat()
            outcomes = [encode({**outcome, "published_at": now})[FIELD] for outcome in step.outcomes]
            after = step.account.model_dump_json()
            if await self._swap(keys=keys, args=[arena, before or b"", after, MARKER_SECONDS, FIELD, *outcomes]):
                return

    def _parse(self, raw: bytes | str | None) -> Account:
        return Account.model_validate_json(raw) if raw else Account.opened(self._initial)


async def read_accounts(redis: Redis) -> dict[str, Account]:
    """All accounts by arena. One round trip."""
    found = await redis.hgetall(ACCOUNTS)
    return {text(arena): Account.model_validate_json(raw) for arena, raw in sorted(found.items())}


async def forget_accounts(redis: Redis) -> int:
    """Delete all accounts and return how many there were. Orders that were accepted before are not accepted again.

    Every position and waiting order ends with an outcome, so that nobody counts on it any more.
    """
    arenas = sorted(await read_accounts(redis))
    for arena in arenas:
        await AccountStore(redis, 1.0).change(arena, emptied)
    await redis.delete(ACCOUNTS)
    return len(arenas)
