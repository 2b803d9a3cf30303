"""Every action through the risk gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maf_core.outbox.gate import RiskGate
from maf_core.outbox.ledger import GROUP
from maf_core.outbox.models import parse_action
from maf_core.streams.consume import FROM_START, Entry
from maf_core.streams.names import ACTIONS
from maf_core.worker import ConsumerWorker

if TYPE_CHECKING:
    from maf_core.context import AppContext


class ActionConsumer(ConsumerWorker):
    """The worker between the actions and the executions."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context.consumer(GROUP, [ACTIONS], start=FROM_START))
        self._gate = RiskGate(context)

    async def handle(self, entry: Entry) -> None:
        """Judge one action and publish its execution, once. What is no action is refused with `BadEntryError`."""
        await self._gate.settle(parse_action(entry.payload))
