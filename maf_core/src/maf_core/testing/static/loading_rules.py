"""Rules about how a plugin is installed, loaded and listed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from maf_core.plugins import Candidate, Status
from maf_core.plugins.deprecated import DEPRECATED
from maf_core.plugins.manager import SLOW_MS
from maf_core.plugins.rows import BUILTIN
from maf_core.testing.static.findings import Fault, Rule
from maf_core.testing.static.importing import ImportCost, import_cost
from maf_core.testing.static.subject import Subject

_UPPER = ("<", "<=", "==", "~=")


def loads(subject: Subject) -> Iterator[Fault]:
    """MAF-P01 It loads, its hooks give valid records, and none of them is deprecated.

    A plugin that does not load is left out of every service, with the reason in `maf plugins list`; one with a
    deprecated hook will be, once that hook is removed.
    """
    row = subject.row
    if row.status is not Status.OK:
        yield Fault(f"it is {row.status.value}: {row.reason}", "Do what the reason says.")
    for hook in row.old_hooks:
        since, instead = DEPRECATED[hook]
        yield Fault(f"hook {hook} is deprecated since maf {since}", instead, grave=False)


def gives_something(subject: Subject) -> Iterator[Fault]:
    """MAF-P02 It gives at least one record.

    A hook that is not marked with `@hookimpl` is never called, and nobody says so.
    """
    if subject.row.status is Status.OK and not subject.records:
        yield Fault("its hooks give nothing", "Mark each hook with @hookimpl and yield a record.")


def imports_nothing_heavy(subject: Subject) -> Iterator[Fault]:
    """MAF-P03 Its entry module imports no heavy package; a single file none that the core does not need itself.

    Every `maf` command imports all entry modules; what is heavy belongs into the modules that factories name.
    """
    heavy = _cost(subject.candidate).heavy
    if heavy:
        yield Fault(
            f"importing it imports {', '.join(heavy)}",
            'Import maf_core names only, and give factories as dotted paths ("package.module:name").',
        )


def imports_quickly(subject: Subject) -> Iterator[Fault]:
    """MAF-P04 Its entry module is imported within half a second.

    Every `maf` command waits for it, `maf --help` too.
    """
    took = _cost(subject.candidate).ms
    if took > SLOW_MS:
        yield Fault(f"its import takes {took:.0f} ms, more than {SLOW_MS}", "Do the work in what the factories make.")


def summarises(subject: Subject) -> Iterator[Fault]:
    """MAF-P05 Every record has a summary.

    `maf plugins show` and `maf --help` have nothing else to say about it.
    """
    for record in subject.records:
        if not record.summary.strip():
            yield Fault(f"{type(record).__name__} {record.name!r} has no summary", "Say in one line what it gives.")


def declares_the_core(subject: Subject) -> Iterator[Fault]:
    """MAF-P06 Its metadata requires `maf` with an upper bound.

    Without one, pip keeps the plugin beside a core that it was never tried with. A single file has no metadata.
    """
    if subject.candidate.path is not None or subject.candidate.name == BUILTIN:
        return
    required = [found for text in subject.candidate.requires if (found := _on_the_core(text)) is not None]
    if not any(bound.operator in _UPPER for found in required for bound in found.specifier):
        declared = ", ".join(map(str, required)) or "nothing about maf"
        yield Fault(f"it requires {declared}", 'Put "maf>=0.1,<0.2" into dependencies in pyproject.toml.')


LOADING_RULES: list[Rule] = [
    loads,
    gives_something,
    imports_nothing_heavy,
    imports_quickly,
    summarises,
    declares_the_core,
]


@cache
def _cost(candidate: Candidate) -> ImportCost:
    return import_cost(candidate)


def _on_the_core(text: str) -> Requirement | None:
    try:
        found = Requirement(text)
    except InvalidRequirement:
        return None
    applies = found.marker is None or found.marker.evaluate({"extra": ""})
    return found if applies and canonicalize_name(found.name) == "maf" else None
