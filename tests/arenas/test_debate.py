"""A debate: who hears whom, when it ends, and what becomes of a debater that fails."""

from __future__ import annotations

import asyncio

import pytest

from maf_core.arenas.engine import ArenaEngine


@pytest.fixture
def debate(run_arena, panel, role):
    """Hold a debate. `says(name, round, state)` gives a debater's stance, a whole patch, or raises."""

    async def run(says, names="ab", rounds=3, judge=None, **more):
        heard: list[tuple[str, list[str]]] = []

        async def debater(agent, state, context):
            turns = state["debates"]["argue"]["turns"]
            heard.append((agent.name, [turn["agent"] for turn in turns]))
            number = sum(turn["agent"] == agent.name for turn in turns) + 1
            said = says(agent.name, number, state)
            if not isinstance(said, str):
                return said
            return {"turn": {"stance": said, "argument": f"{agent.name} {number}", "confidence": 0.5}}

        async def judges(agent, state, context):
            heard.append((agent.name, [turn["agent"] for turn in state["debates"]["argue"]["turns"]]))
            return judge(state) if judge else {"synthesis_verdict": "BUY"}

        phase = {
            "name": "argue",
            "pattern": "debate",
            "agents": [{"name": name, "role": "arguing"} for name in names],
            "judge": {"name": "judge", "role": "judges"},
            "max_rounds": rounds,
            **more.pop("phase", {}),
        }
        done = await run_arena(panel(phase, **more), role("arguing", debater), role("judges", judges))
        return done, heard

    return run


def sides(**stances: str):
    """Each always takes the same side."""
    return lambda name, number, state: stances[name]


async def test_debaters_speak_in_turn_and_each_hears_all_before(debate):
    done, heard = await debate(sides(a="BULLISH", b="BEARISH"), rounds=2)
    assert heard == [
        ("a", []),
        ("b", ["a"]),
        ("a", ["a", "b"]),
        ("b", ["a", "b", "a"]),
        ("judge", ["a", "b", "a", "b"]),
    ]
    assert done.state["debates"]["argue"]["turns"][2] == {
        "agent": "a", "round": 2, "stance": "BULLISH", "argument": "a 2", "confidence": 0.5,
    }  # fmt: skip
    assert (done.error, done.state["synthesis_verdict"]) == (None, "BUY")


async def test_turns_stay_out_of_the_rest_of_the_state(debate):
    done, _ = await debate(lambda *_: {"turn": turn("BULLISH"), "reports": {"a": "story"}}, names="ab", rounds=1)
    assert "turn" not in done.state
    assert done.state["reports"] == {"a": "story"}


def turn(stance: str, **more) -> dict:
    return {"stance": stance, "argument": "why", "confidence": 0.5, **more}


@pytest.mark.parametrize(
    ("says", "rounds", "agreed"),
    [
        (sides(a="BULLISH", b="BULLISH"), 1, True),
        (sides(a="BULLISH", b="BEARISH"), 4, False),
        (lambda name, number, _: "BULLISH" if name == "a" or number == 2 else "BEARISH", 2, True),
        (lambda name, number, _: "BULLISH" if (name == "a") == (number % 2 == 0) else "NEUTRAL", 4, False),
    ],
)
async def test_it_ends_when_all_agree_after_a_round_or_the_rounds_are_over(debate, says, rounds, agreed):
    done, heard = await debate(says, rounds=4)
    assert (done.state["debates"]["argue"]["rounds"], done.state["debates"]["argue"]["agreed"]) == (rounds, agreed)
    assert len(heard) == 2 * rounds + 1


async def test_what_a_turn_carries_besides_is_kept(debate):
    done, _ = await debate(lambda *_: {"turn": turn("BULLISH", untrusted=True)}, rounds=1)
    assert done.state["debates"]["argue"]["turns"][0]["untrusted"] is True


def _raises(name, number, state):
    if name == "b":
        raise LookupError("lost for words")
    return "BULLISH" if name == "a" else "BEARISH"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (_raises, "LookupError: lost for words"),
        (lambda name, *_: {} if name == "b" else {"a": "BULLISH", "c": "BEARISH"}[name], "it took no turn"),
        (lambda name, *_: {"turn": turn("UP")} if name == "b" else {"a": "BULLISH", "c": "BEARISH"}[name], "stance"),
        (
            lambda name, *_: {"turn": turn("BULLISH", confidence=2)} if name == "b" else "BULLISH",
            "confidence: input should be less than or equal to 1",
        ),
        (lambda name, *_: {"turn": "BULLISH"} if name == "b" else "BULLISH", "its turn is not valid"),
        (lambda name, *_: {"abstentions": {"b": "no data"}} if name == "b" else "BULLISH", "no data"),
    ],
)
async def test_a_debater_that_fails_abstains_and_the_debate_goes_on(debate, says, words):
    done, _ = await debate(says, names="abc", rounds=2)
    assert done.error is None
    assert words in done.meta["abstained"]["b"]
    assert {one["agent"] for one in done.state["debates"]["argue"]["turns"]} == {"a", "c"}
    assert done.state["synthesis_verdict"] == "BUY"


async def test_those_who_abstain_do_not_stand_in_the_way_of_agreement(debate):
    says = sides(a="BULLISH", c="BULLISH")
    done, _ = await debate(lambda *said: {} if said[0] == "b" else says(*said), names="abc", rounds=5)
    assert (done.state["debates"]["argue"]["rounds"], done.state["debates"]["argue"]["agreed"]) == (1, True)


async def test_when_nobody_speaks_it_is_for_the_judge_at_once(debate):
    done, heard = await debate(lambda *_: {}, rounds=5)
    assert done.state["debates"]["argue"] == {"turns": [], "rounds": 1, "agreed": False}
    assert heard[-1] == ("judge", [])


async def test_who_failed_once_is_heard_again_and_no_longer_abstains(debate):
    failed = []

    def says(name, number, state):
        if name == "b" and not failed:
            failed.append(name)
            raise LookupError("lost for words")
        return "BULLISH" if name == "a" else "BEARISH"

    done, _ = await debate(says, names="abc", rounds=2)
    assert [one["agent"] for one in done.state["debates"]["argue"]["turns"]] == ["a", "c", "a", "b", "c"]
    assert done.meta["abstained"] == {}
    assert not any(done.state["failures"].values())


async def test_without_the_judge_there_is_no_verdict(debate):
    def broken(state):
        raise LookupError("asleep")

    done, _ = await debate(sides(a="BULLISH", b="BULLISH"), judge=broken)
    assert done.error == "no verdict was reached (judge: LookupError: asleep)"


async def test_when_its_time_is_over_the_judge_decides_with_what_was_said(run_arena, panel, role):
    async def debater(agent, state, context):
        if state["debates"]["argue"]["turns"]:
            await asyncio.Event().wait()
        return {"turn": turn("BULLISH")}

    async def judges(agent, state, context):
        await asyncio.sleep(0.05)
        return {"synthesis_verdict": "BUY", "heard": len(state["debates"]["argue"]["turns"])}

    phase = {
        "name": "argue",
        "pattern": "debate",
        "timeout_s": 0.5,
        "agents": [{"name": name, "role": "arguing"} for name in "abc"],
        "judge": {"name": "judge", "role": "judges"},
    }
    done = await run_arena(panel(phase), role("arguing", debater), role("judges", judges))
    assert (done.state["synthesis_verdict"], done.state["heard"]) == ("BUY", 1)
    assert done.state["debates"]["argue"]["rounds"] == 0
    assert done.meta["abstained"] == {"b": "the phase was over"}


async def test_another_debate_of_the_same_phase_begins_anew(run_arena, panel, role):
    async def debater(agent, state, context):
        return {"turn": turn("BULLISH")}

    async def judges(agent, state, context):
        rounds = [*state.get("seen", []), len(state["debates"]["argue"]["turns"])]
        return {"signal": "BUY", "seen": rounds, **({"_next_phase": "argue"} if len(rounds) < 2 else {})}

    agents = [{"name": name, "role": "arguing"} for name in "ab"]
    phase = {"name": "argue", "pattern": "debate", "agents": agents, "judge": {"name": "judge", "role": "judges"}}
    done = await run_arena(panel(phase), role("arguing", debater), role("judges", judges))
    assert done.state["seen"] == [2, 2]


async def test_a_debate_that_is_taken_up_again_asks_nobody_twice(make_context, load, panel, role, request_for):
    """Its turns are asked for through the recorder, so those that were answered are not asked for again."""
    asked: list[tuple[str, int]] = []
    hangs = asyncio.Event()

    async def debater(agent, state, context):
        turns = state["debates"]["argue"]["turns"]

        async def ask():
            asked.append((agent.name, len(turns)))
            if len(asked) == 4 and not hangs.is_set():
                hangs.set()
                await asyncio.Event().wait()
            return {"stance": "BULLISH" if agent.name == "a" else "BEARISH", "argument": "why", "confidence": 0.5}

        request = {"agent": agent.name, "turns": turns}
        return {"turn": await context.recorder.answered("llm", request, ask)}

    async def judges(agent, state, context):
        return {"signal": "BUY"}

    agents = [{"name": name, "role": "arguing"} for name in "ab"]
    judge = {"name": "judge", "role": "judges"}
    arena = panel({"name": "argue", "pattern": "debate", "agents": agents, "judge": judge, "max_rounds": 3})
    context = make_context(plugins=load(role("arguing", debater), role("judges", judges)), arenas=[arena])
    request = request_for()
    dying = asyncio.create_task(ArenaEngine(context).run(request))
    await hangs.wait()
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    done = await ArenaEngine(context).run(request)
    assert len(done.state["debates"]["argue"]["turns"]) == 6
    assert asked == [("a", 0), ("b", 1), ("a", 2), ("b", 3), ("b", 3), ("a", 4), ("b", 5)]


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        ({"judge": None}, "a judge to decide"),
        ({"agents": [{"name": "a", "role": "arguing"}]}, "at least two agents"),
        ({"max_rounds": 0}, "max_rounds"),
        ({"judge": {"name": "a", "role": "judges"}}, "agent name 'a' is used twice"),
        ({"judge": {"name": "judge", "role": "judges", "sources": ["news"]}}, "agent 'judge' reads 'news'"),
    ],
)
def test_a_debate_that_cannot_be_held_is_refused(panel, phase, words):
    agents = [{"name": name, "role": "arguing"} for name in "ab"]
    judge = {"name": "judge", "role": "judges"}
    with pytest.raises(ValueError, match=words):
        panel({"name": "argue", "pattern": "debate", "agents": agents, "judge": judge, **phase})
