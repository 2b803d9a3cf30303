"""`maf watch`."""

from __future__ import annotations

import json


def test_kinds_and_attributes_are_kept_and_symbols_are_in_capitals(maf_here, redis_url, redis):
    where = ("--redis", redis_url)
    assert maf_here("watch", "add", "wcap", "--attrs", '{"timeframes": ["1h"]}', *where).returncode == 0
    assert maf_here("watch", "add", "q-1", "--kind", "question", "--days", "2", *where).returncode == 0
    found = json.loads(maf_here("watch", "list", "--json", *where).stdout)
    assert [(item["kind"], item["target_id"], item["attrs"]) for item in found] == [
        ("question", "q-1", {}),
        ("symbol", "WCAP", {"timeframes": ["1h"]}),
    ]
    listed = maf_here("watch", "list", "--kind", "symbol", *where).stdout
    assert listed.split()[:3] == ["symbol", "WCAP", "until"]
    assert "q-1" not in listed
    assert maf_here("watch", "remove", "q-1", *where).stderr == "q-1 was not watched.\n"
    assert maf_here("watch", "remove", "q-1", "--kind", "question", *where).stderr == ""


def test_an_empty_list_is_no_error(maf_here, redis_url, redis):
    done = maf_here("watch", "list", "--redis", redis_url)
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads(maf_here("watch", "list", "--json", "--redis", redis_url).stdout) == []


def test_what_makes_no_sense_is_refused_in_a_sentence(maf_here, redis_url):
    for attrs in ("[1]", "{", "7"):
        done = maf_here("watch", "add", "AAPL", "--attrs", attrs, "--redis", redis_url)
        assert done.returncode == 2
        assert f"--attrs {attrs} is no JSON object" in done.stderr
    done = maf_here("watch", "add", " ", "--redis", redis_url)
    assert done.returncode == 2
    assert "One of the targets is empty" in done.stderr
