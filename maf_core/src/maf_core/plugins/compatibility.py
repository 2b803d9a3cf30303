"""Whether a plugin fits the installed core, by what its metadata requires."""

from __future__ import annotations

from maf_core.plugins.discovery import Candidate


def incompatibility(candidate: Candidate, core_version: str) -> str | None:
    """Why this plugin does not fit the installed core; None when it does."""
    if not any(text.lower().startswith("maf") for text in candidate.requires):
        return None  # and spare every command the import below
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    for text in candidate.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not applies or canonicalize_name(requirement.name) != "maf":
            continue
        if not requirement.specifier.contains(core_version, prereleases=True):
            return (
                f"{candidate.distribution} {candidate.version} needs maf{requirement.specifier}, "
                f"this is maf {core_version}. Run: pip install -U maf {candidate.distribution}"
            )
    return None
