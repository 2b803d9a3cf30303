"""Entries as somebody who knows no better, or means no good, puts them on a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hypothesis import strategies as st
from redis.asyncio import Redis

# Pairs, not a mapping: the server takes the same field twice.
Fields = tuple[tuple[bytes, bytes], ...]
Path = tuple[Any, ...]

_PLACE = "\x00place"
_TOKENS = [
    *"null true false 0 -1 1e999 -1e999 1e308 1e-320 NaN Infinity -Infinity [] {} [[]] [null]".split(),  # noqa: SIM905
    *map(json.dumps, ["", " ", "\0", "NaN", "1e999", "0", "Z", "{}", "[", "-", "9999-12-31T23:59:59-12:00"]),
    json.dumps("0001-01-01T00:00:00+12:00"),
]
_TOKENS += [
    "9" * 400,
    "-" + "9" * 4000,
    "253402300800",
    "1e300",
    "[" * 150 + "]" * 150,
    '{"a":' * 150 + "1" + "}" * 150,
]
_TOKENS += [f'"{"x" * 5000}"', json.dumps(["S"] * 3000), json.dumps("\u202e\x1b[2J\r\n'; --{payload.x}*")]

jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
_tokens = st.sampled_from(_TOKENS) | jsons.map(json.dumps)


def _data(raw: bytes) -> Fields:
    return ((b"data", raw),)


def _truncated(raw: bytes) -> Fields:
    return _data(b'{"cut": ' + raw)


def unreadable() -> st.SearchStrategy[Fields]:
    """Entries of which nobody can make a payload."""
    return st.one_of(
        jsons.filter(lambda value: not isinstance(value, dict)).map(lambda value: _data(json.dumps(value).encode())),
        st.binary(max_size=40).map(lambda raw: _data(b'{"text": "\xff' + raw)),
        st.binary(max_size=40).map(lambda raw: _data(b"\xff" + raw)),
        st.binary(max_size=20).filter(lambda raw: b"}" not in raw).map(_truncated),
        st.binary(min_size=1, max_size=20).map(lambda raw: ((b"symbol", b"\xff" + raw),)),
        st.binary(min_size=1, max_size=20).map(lambda raw: ((b"\xfe" + raw, b"AAPL"), (b"close", b"1"))),
        st.sampled_from(
            [
                _data(b""),
                _data(b"\x00"),
                _data(b"null"),
                _data(b"[" * 1000 + b"]" * 1000),
                _data(b'{"a":' * 1000 + b"1" + b"}" * 1000),
                _data(b'{"symbol": "\\ud800"}'),
                _data(b'{"n": ' + b"9" * 5000 + b"}"),
                _data(b"\xef\xbb\xbf{}"),
                _data(b"{'symbol': 'AAPL'}"),
                _data(b'{"a": 1} {"b": 2}'),
                (*_data(b'{"symbol": "AAPL"}'), *_data(b"")),
            ]
        ),
    )


def strange(good: dict[str, Any]) -> st.SearchStrategy[Fields]:
    """Entries like this good one but for something, and payloads that are nothing of the kind."""
    places = st.sampled_from(list(_places(good)))
    whole = json.dumps(good)
    return st.one_of(
        st.lists(st.tuples(places, _tokens), min_size=1, max_size=3).map(
            lambda changes: _data(_changed(good, changes))
        ),
        places.map(lambda place: _data(json.dumps(_without(good, place)).encode())),
        st.tuples(st.sampled_from(sorted(good)), _tokens).map(
            lambda more: _data(f"{whole[:-1]}, {json.dumps(more[0])}: {more[1]}}}".encode())
        ),
        _tokens.map(lambda token: ((b"data", token.encode()), (b"data", whole.encode()))),
        st.dictionaries(st.sampled_from(sorted(good)) | st.text(max_size=9), st.text(max_size=40), min_size=1).map(
            _flat
        ),
        st.dictionaries(st.text(max_size=9), jsons, max_size=5).map(lambda any_: _data(json.dumps(any_).encode())),
        st.integers(1000, 4000).map(lambda count: _flat({**_texts(good), **{f"f{n}": "x" for n in range(count)}})),
        st.just(((b"", b""),)),
    )


def sweep(good: dict[str, Any]) -> Iterator[Fields]:
    """This good entry with each token at each place and at all numbers, and without each part; flat, in each field."""
    for place in _places(good):
        yield _data(json.dumps(_without(good, place)).encode())
        for token in _TOKENS:
            yield _data(_changed(good, [(place, token)]))
    numbers = [place for place in _places(good) if _is_number(_part(good, place))]
    for token in _TOKENS:
        yield _data(_changed(good, [(place, token) for place in numbers]))
        for name in good:
            yield _flat({**_texts(good), name: token})


async def put(redis: Redis, stream: str, entries: Iterable[Fields]) -> None:
    """Append entries as they are, in one go."""
    pipeline = redis.pipeline(transaction=False)
    for fields in entries:
        pipeline.execute_command("XADD", stream, "*", *(part for pair in fields for part in pair))
    await pipeline.execute()


def _flat(texts: dict[str, str]) -> Fields:
    return tuple((name.encode(), text.encode()) for name, text in texts.items())


def _texts(good: dict[str, Any]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in good.items()}


def _places(value: Any, here: Path = ()) -> Iterator[Path]:
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in rows:
        yield (*here, key)
        yield from _places(inner, (*here, key))


def _part(good: dict[str, Any], place: Path) -> Any:
    part: Any = good
    for key in place:
        part = part[key]
    return part


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _changed(good: dict[str, Any], changes: list[tuple[Path, str]]) -> bytes:
    """The payload with these tokens at these places: tokens, because JSON as Python writes it has no 1e999."""
    document = good
    for number, (place, _) in enumerate(changes):
        document = _at(
            document, place, lambda holder, key, number=number: holder.__setitem__(key, f"{_PLACE}{number}.")
        )
    text = json.dumps(document)
    for number, (_, token) in enumerate(changes):
        text = text.replace(json.dumps(f"{_PLACE}{number}."), token)
    return text.encode()


def _without(good: dict[str, Any], place: Path) -> dict[str, Any]:
    return _at(good, place, lambda holder, key: holder.__delitem__(key))


def _at(good: dict[str, Any], place: Path, act: Callable[[Any, Any], None]) -> dict[str, Any]:
    """A copy of the payload in which this was done at this place, as far as it is still there."""
    document: dict[str, Any] = json.loads(json.dumps(good))
    holder: Any = document
    for key in place[:-1]:
        holder = holder[key] if not isinstance(holder, str) else None
        if holder is None or isinstance(holder, str):
            return document
    act(holder, place[-1])
    return document
