"""The JSON Schema for editors is current and explains every key."""

from __future__ import annotations

import json
from pathlib import Path

from maf_core.arenas.schema import DESCRIPTIONS, arena_schema

COMMITTED = Path(__file__).parent.parent.parent / "docs" / "arena.schema.json"


def test_the_committed_schema_is_what_the_command_prints(maf):
    done = maf("arena", "schema")
    assert done.returncode == 0, done.stderr
    assert done.stdout == COMMITTED.read_text(encoding="utf-8"), "renew it: maf arena schema > docs/arena.schema.json"


def test_every_key_is_explained_and_nothing_else_is():
    schema = arena_schema()
    parts = {"ArenaConfig": schema, **schema["$defs"]}
    assert {title: set(part["properties"]) for title, part in parts.items()} == {
        title: set(keys) for title, keys in DESCRIPTIONS.items()
    }
    shown = [known["description"] for part in parts.values() for known in part["properties"].values()]
    assert all(shown)


def test_an_editor_is_told_of_wrong_keys_and_words():
    schema = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert schema["additionalProperties"] is False
    assert all(part["additionalProperties"] is False for part in schema["$defs"].values())
    assert schema["properties"]["action_mode"]["enum"] == ["auto", "semi", "manual"]
    assert set(schema["required"]) == {"name", "phases"}
