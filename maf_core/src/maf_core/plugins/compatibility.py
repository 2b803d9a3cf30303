"""Whether a plugin fits the installed core, by what its metadata requires."""

from __future__ import annotations

import re

from maf_core.plugins.discovery import Candidate

# Requirements that can be judged without the package `packaging`, whose import would double the start of a command.
_OURS = re.compile(r"maf(?![\w.-])", re.IGNORECASE)
_OF_AN_EXTRA = re.compile(r""".*;\s*extra\s*==\s*["'][\w.-]+["']\s*""")
_RELEASE = re.compile(r"\d+(?:\.\d+)*")
_BOUND = re.compile(rf"(>=|<)({_RELEASE.pattern})")
_USUAL = re.compile(rf"maf\s*{_BOUND.pattern}(?:,{_BOUND.pattern})*")  # maf<0.2,>=0.1


def incompatibility(candidate: Candidate, core_version: str) -> str | None:
    """Why this plugin does not fit the installed core; None when it does."""
    ours = [text for text in candidate.requires if _OURS.match(text) and not _OF_AN_EXTRA.fullmatch(text)]
    for text in ours:
        refused = None if _plainly_fits(text, core_version) else _refused(text, core_version)
        if refused:
            return (
                f"{candidate.distribution} {candidate.version} needs maf{refused}, "
                f"this is maf {core_version}. Run: pip install -U maf {candidate.distribution}"
            )
    return None


def _plainly_fits(text: str, core_version: str) -> bool:
    """Whether a requirement of the usual form admits this release; False also where only `packaging` can tell."""
    if not (_USUAL.fullmatch(text) and _RELEASE.fullmatch(core_version)):
        return False
    core, bounds = _numbers(core_version), _BOUND.findall(text)
    return all(core >= _numbers(bound) if sign == ">=" else core < _numbers(bound) for sign, bound in bounds)


def _numbers(release: str) -> list[int]:
    """A release as numbers, so that 0.2 and 0.2.0 are equal."""
    return [int(part) for part in re.sub(r"(\.0+)+$", "", release).split(".")]


def _refused(text: str, core_version: str) -> str | None:
    """The versions a requirement asks for, when it applies and this version is none of them."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    fits = requirement.specifier.contains(core_version, prereleases=True)
    return str(requirement.specifier) if applies and not fits else None
