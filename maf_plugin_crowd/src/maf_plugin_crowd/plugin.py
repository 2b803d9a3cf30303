"""What this plugin offers: a simulated crowd, its panel, and what it publishes."""

from __future__ import annotations

from collections.abc import Iterator

from maf_core import AgentSpec, ArenaSpec, ChannelSpec, CommandSpec, PublisherSpec, SourceSpec, hookimpl

_PACKAGE = "maf_plugin_crowd"
_ROLES = (
    ("crowd_question", "agents.question:QuestionAgent", "Puts a report, a bet or a strategy before the crowd"),
    ("crowd_traders", "agents.traders:TradersAgent", "A crowd of rule-based traders"),
    ("crowd_voter", "agents.voter:VoterAgent", "One persona, one model, one blind vote"),
    ("crowd_swarm", "agents.swarm:SwarmAgent", "A simulation of many people, as one voter"),
    ("crowd_decide", "agents.decide:DecideAgent", "Counts the votes and decides by kind"),
    ("crowd_decision_fomo2_report", "deciders:ReportDecider", "BUY, SELL or HOLD on a report"),
    ("crowd_decision_polymarket_bet", "deciders:BetDecider", "YES, NO or SKIP on a bet"),
    ("crowd_decision_oddsoddy_strategy", "deciders:StrategyDecider", "How much of a strategy's trade, or a veto"),
)


@hookimpl
def maf_arenas() -> Iterator[ArenaSpec]:
    """What a crowd expects of a report, a bet or a strategy."""
    yield ArenaSpec(
        name="crowd_simulation",
        factory=f"{_PACKAGE}.arena:arena_file",
        summary="What a simulated crowd expects of a report, a bet or a strategy",
    )


@hookimpl
def maf_agents() -> Iterator[AgentSpec]:
    """The panel, and who decides about each kind."""
    for name, factory, summary in _ROLES:
        yield AgentSpec(name=name, factory=f"{_PACKAGE}.{factory}", summary=summary)


@hookimpl
def maf_sources() -> Iterator[SourceSpec]:
    """What the crowd is asked about, and what markets think of it."""
    yield SourceSpec(
        name="crowd_questions",
        factory=f"{_PACKAGE}.questions_source:QuestionsSource",
        summary="A report, bet or strategy by its id, from the stream it came on",
    )
    yield SourceSpec(
        name="polymarket_market",
        factory=f"{_PACKAGE}.polymarket.source:PolymarketSource",
        summary="A market of Polymarket: what it thinks, what a bet costs, how it came there",
    )


@hookimpl
def maf_envelope_publishers() -> Iterator[PublisherSpec]:
    """The envelope."""
    yield PublisherSpec(
        name="crowd_simulation",
        arena="crowd_simulation",
        factory=f"{_PACKAGE}.publisher:CrowdPublisher",
        summary="maf:arena:crowd_simulation:output",
    )


@hookimpl
def maf_commands() -> Iterator[CommandSpec]:
    """`maf crowd`."""
    yield CommandSpec(name="crowd", factory=f"{_PACKAGE}.cli:cli", summary="Give the crowd something to predict")


@hookimpl
def maf_channels() -> Iterator[ChannelSpec]:
    """Where questions come from, and where the envelopes go."""
    yield ChannelSpec(
        name="crowd_simulation",
        stream="maf:arena:crowd_simulation:output",
        summary="Predictions of a simulated crowd, one envelope each",
    )
    yield ChannelSpec(name="polymarket_bets", stream="polymarket:bets", summary="Bets to put before the crowd")
    yield ChannelSpec(
        name="oddsoddy_strategies", stream="oddsoddy:strategies", summary="Strategies' trades to put before the crowd"
    )
