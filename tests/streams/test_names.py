"""Internal keys have the cluster slot of what they are beside."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from redis.crc import key_slot

from maf_core.streams.names import beside

parts = st.text("ab{}:", min_size=1, max_size=4)


@given(stream=st.text("ab{}:", min_size=1, max_size=12), more=st.lists(parts, max_size=2))
def test_an_internal_key_is_in_the_slot_of_its_stream(stream, more):
    begin = stream.find("{")
    tagged = begin >= 0 and stream.find("}", begin) > begin + 1
    assume(tagged or "}" not in stream)  # such a one cannot be the tag of another key
    assert key_slot(beside(stream, *more).encode()) == key_slot(stream.encode())


@pytest.mark.parametrize(
    ("stream", "key"),
    [("maf:control:in", "maf:{maf:control:in}:once:1"), ("{desk}:bars", "maf:{desk}:{desk}:bars:once:1")],
)
def test_an_internal_key_names_its_stream(stream, key):
    assert beside(stream, "once", "1") == key
