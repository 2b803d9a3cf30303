"""The published Kronos models: which tokenizer belongs to which, and how much history each can see."""

from __future__ import annotations

from dataclasses import dataclass, replace

from maf_core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Weights:
    """A model and its tokenizer: hub ids or folders. `context` is in bars; a revision is a commit on the hub."""

    model: str
    tokenizer: str
    context: int = 512
    revision: str | None = None
    tokenizer_revision: str | None = None


DEFAULT = "NeoQuasar/Kronos-small"
_BASE = "NeoQuasar/Kronos-Tokenizer-base"
# The commits that upstream's own regression test pins.
_BASE_REVISION = "0e0117387f39004a9016484a186a908917e22426"
_SMALL_REVISION = "901c26c1332695a2a8f243eb2f37243a37bea320"
_ZOO = {
    weights.model: weights
    for weights in (
        Weights("NeoQuasar/Kronos-mini", "NeoQuasar/Kronos-Tokenizer-2k", context=2048),
        Weights(DEFAULT, _BASE, revision=_SMALL_REVISION, tokenizer_revision=_BASE_REVISION),
        Weights("NeoQuasar/Kronos-base", _BASE, tokenizer_revision=_BASE_REVISION),
    )
}


def weights_of(model: str | None, tokenizer: str | None, revision: str | None) -> Weights:
    """The weights a user asked for; what is left away comes from the table of published models.

    Raises `UsageError` when a model of one's own is named without its tokenizer.
    """
    model = model or DEFAULT
    known = _ZOO.get(model)
    if known is None:
        if tokenizer is None:
            raise UsageError(f"{model!r} is none of {', '.join(_ZOO)}: name its tokenizer with --tokenizer.")
        return Weights(model, tokenizer, revision=revision)
    if tokenizer is not None:
        known = replace(known, tokenizer=tokenizer, tokenizer_revision=None)
    return replace(known, revision=revision) if revision else known
