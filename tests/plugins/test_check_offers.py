"""`maf plugins check` on what a plugin offers for people to look at: trigger templates, channels, routes."""

from __future__ import annotations

import pytest

HEAD = (
    "from pathlib import Path\nfrom maf_core import ChannelSpec, DashboardRouterSpec, TriggerTemplatesSpec, hookimpl\n"
)
TEMPLATES = """
@hookimpl
def maf_trigger_templates():
    yield TriggerTemplatesSpec(name="mine", factory=lambda: Path(__file__).with_name("panel.yaml"), summary="x")
"""
TEMPLATE = """
- id: moved
  title: It moved
  summary: By a lot.
  needs: ["t:bars"]
  rule: {{id: moved, on_stream: "t:bars", when: {when}, target: "{{payload.symbol}}"}}
"""
CHANNEL = """
@hookimpl
def maf_channels():
    yield ChannelSpec(name="mine", stream="mine:levels", summary="x")
"""
ROUTER = """
@hookimpl
def maf_dashboard_routers():
    from fastapi import APIRouter
    yield DashboardRouterSpec(name="mine", factory=lambda: APIRouter(), summary="x")
"""


@pytest.mark.parametrize(
    ("text", "file"), [(TEMPLATES, TEMPLATE.format(when="payload.c > 10")), (CHANNEL, ""), (ROUTER, "")]
)
def test_a_sound_offer_keeps_every_rule(check, text, file):
    assert {finding.status for finding in check(HEAD + text, file).values()} == {"ok"}


@pytest.mark.parametrize(
    ("text", "file", "rule", "words"),
    [
        (TEMPLATES, TEMPLATE.format(when="payload.c >"), "MAF-P11", "is not an expression"),
        (TEMPLATES, TEMPLATE.format(when="x, colour: red"), "MAF-P11", "rule.colour"),
        (TEMPLATES, "- [", "MAF-P11", "panel.yaml"),
        (CHANNEL.replace("mine:levels", " "), "", "MAF-P12", "' '"),
        (CHANNEL.replace("mine:levels", "mine:*"), "", "MAF-P12", "'mine:*'"),
        (ROUTER.replace("APIRouter()", "dict()"), "", "MAF-P13", "made dict"),
        (ROUTER.replace("APIRouter()", "1 / 0"), "", "MAF-P13", "ZeroDivisionError"),
        (ROUTER.replace('"mine"', '"a b"'), "", "MAF-P13", "'a b'"),
    ],
)
def test_what_people_could_not_look_at_is_named(check, text, file, rule, words):
    findings = check(HEAD + text, file)
    assert [name for name, finding in findings.items() if finding.status == "BAD"] == [rule]
    (fault,) = findings[rule].faults
    assert words in fault.what
    assert fault.fix


def test_without_fastapi_routers_are_not_tried(check, monkeypatch):
    from maf_core.testing.static import offer_rules, record_rules

    for module in (offer_rules, record_rules):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    text = ROUTER.replace("    from fastapi import APIRouter\n", "").replace(
        "lambda: APIRouter()", "'maf_nowhere:make'"
    )
    assert {finding.status for finding in check(HEAD + text).values()} == {"ok"}
