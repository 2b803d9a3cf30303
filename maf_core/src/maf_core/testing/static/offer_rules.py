"""Rules about what a plugin offers for people to look at: trigger templates, channels, routes of the dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from maf_core.errors import MAFError
from maf_core.plane.library import load_templates, template_file
from maf_core.records import ChannelSpec, DashboardRouterSpec, TriggerTemplatesSpec
from maf_core.testing.static.findings import Fault, Rule
from maf_core.testing.static.subject import Subject


def offers_valid_templates(subject: Subject) -> Iterator[Fault]:
    """MAF-P11 Every file of trigger templates validates, and its rules compile.

    One mistake in the file hides all of its templates, with a warning only.
    """
    for spec in subject.of_kind(TriggerTemplatesSpec):
        try:
            load_templates(template_file(spec))
        except MAFError as error:
            yield Fault(f"templates {spec.name!r}: {error}", "Mend the YAML.")


def names_streams(subject: Subject) -> Iterator[Fault]:
    """MAF-P12 Every channel names one stream.

    What stands there is asked of the server by that name: an empty one, or a pattern, finds nothing.
    """
    for spec in subject.of_kind(ChannelSpec):
        if not spec.stream.strip() or set("{}*?") & set(spec.stream):
            yield Fault(f"the stream of channel {spec.name!r} is {spec.stream!r}", "Name the stream as it is written.")


def makes_routers(subject: Subject) -> Iterator[Fault]:
    """MAF-P13 Every dashboard router's factory makes an `APIRouter`, under a name that fits into an address.

    One that does not is left out of the dashboard, with a warning only. Tried where `maf[dashboard]` is installed.
    """
    specs = list(subject.of_kind(DashboardRouterSpec))
    if not specs or find_spec("fastapi") is None:
        return
    from maf_core.dashboard.mounting import made

    for spec in specs:
        try:
            made(spec)
        except MAFError as error:
            yield Fault(f"router {spec.name!r}: {error}", "Mend its factory, or its name.")


OFFER_RULES: list[Rule] = [offers_valid_templates, names_streams, makes_routers]
