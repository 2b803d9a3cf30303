"""What is due when: by a clock that is held."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maf_core import Target
from maf_core.plane.schedule import Schedule

NAMES = st.sampled_from("ABCDE")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.sets(NAMES)),
        st.tuples(st.just("take"), st.integers(0, 3)),
        st.tuples(st.just("put_back"), st.tuples(NAMES, st.integers(0, 20))),
        st.tuples(st.just("hurry"), st.tuples(NAMES, st.integers(0, 20))),
    ),
    max_size=40,
)


def anybody(_: Target) -> bool:
    return True


class Plain:
    """A slow and simple account of the same: when each is due, and who is at work."""

    def __init__(self):
        self.due: dict[str, float] = {}
        self.at_work: set[str] = set()

    def keep(self, names, now):
        gone = self.due.keys() - names
        self.due = {name: self.due.get(name, now) for name in names}
        self.at_work &= names
        return gone

    def may_take(self, now):
        return {name for name, due in self.due.items() if due <= now and name not in self.at_work}


@given(steps)
def test_it_agrees_with_a_plain_account_whatever_happens(steps):
    schedule, plain = Schedule(), Plain()
    for now, (what, how) in enumerate(steps):
        if what == "keep":
            gone = schedule.keep([Target(name) for name in sorted(how)], now)
            assert {target.id for target in gone} == plain.keep(how, now)
        elif what == "take":
            ready = sorted(plain.due[name] for name in plain.may_take(now))
            taken = {target.id for target in schedule.take(now, how, anybody)}
            assert taken <= plain.may_take(now)
            assert sorted(plain.due[name] for name in taken) == ready[:how]  # the longest due first
            plain.at_work |= taken
        else:
            name, wait = how
            getattr(schedule, what)(Target(name), now + wait)
            if name in plain.due and what == "put_back":
                plain.due[name] = now + wait
                plain.at_work.discard(name)
            elif name in plain.due:
                plain.due[name] = min(plain.due[name], now + wait)
        assert {target.id for target in schedule} == plain.due.keys()
        later = [due for due in plain.due.values() if due > now]
        assert schedule.next_due(now) == min(later, default=None)


def test_what_does_not_fit_is_left_for_others():
    schedule = Schedule()
    schedule.keep([Target("A"), Target("B")], 0)
    assert schedule.take(0, 9, lambda target: target.id == "B") == [Target("B")]
    assert schedule.take(0, 9, anybody) == [Target("A")]
    assert schedule.take(0, 9, anybody) == []


def test_what_the_watch_list_says_of_a_target_is_the_newest():
    schedule = Schedule()
    for timeframes in (["1d"], ["1h"]):
        schedule.keep([Target("A", attrs={"timeframes": timeframes})], 0)
    (target,) = schedule.take(0, 1, anybody)
    assert target.attrs == {"timeframes": ["1h"]}


def test_a_target_is_what_it_is_called_whatever_is_said_of_it():
    assert Target("A", "1d", {"x": 1}) == Target("A", "1d")
    assert len({Target("A", "1d"), Target("A", "1h"), Target("A"), Target("A", attrs={"x": 1})}) == 3
    assert (Target("A").key, Target("A", "1d").key) == ("A", "A:1d")
