"""Turns the specialists' signals into one verdict. The score is computed by code; a model may word it or hold back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maf_core.agents import prompts
from maf_core.agents.answers import VerdictAnswer
from maf_core.agents.asking import ask, failed, spoken, succeeded, wants_model, why
from maf_core.agents.base import Agent, State
from maf_core.agents.ensemble import Verdict, Weighed, WeighingOptions, weigh
from maf_core.errors import LLMError
from maf_core.llm.base import Question

if TYPE_CHECKING:
    from maf_core.arenas.run import RunContext


@dataclass(frozen=True, slots=True)
class Panel:
    """Who is heard, who had nothing to say, and at length, by agent, why.

    `signals` go into the envelope. `guests` do not belong to the panel, and may only reduce what it says.
    """

    voices: Sequence[State]
    silent: Sequence[str]
    signals: Sequence[State]
    reports: Mapping[str, str]
    guests: Sequence[State] = ()


class SynthesisAgent(Agent):
    """Verdict, confidence and score from all signals; without any, a HOLD of confidence 0.

    With a model it makes one call: the model words the verdict or holds it back to HOLD. Where the call fails, the
    verdict is a HOLD that says why: who configured a model must not get another system without a word.
    """

    Options = WeighingOptions

    async def run(self, state: State, context: RunContext) -> State:
        """Write `agent_signals` and the `synthesis_*` fields."""
        panel = self.panel(state, context)
        found = weigh(panel.voices, panel.silent, self.options, panel.guests)
        patch = {
            "agent_signals": list(panel.signals),
            "synthesis_verdict": found.verdict.word,
            "synthesis_score": round(found.verdict.score, 6),
            "synthesis_confidence": round(found.verdict.confidence, 6),
            "synthesis_reasoning": _reasoning(found, panel),
            "synthesis_dissent": None,
            "synthesis_trusted": _as_state(found.trusted) if found.reducing else None,
        }
        heard = [voice for voice in panel.voices if voice["agent"] not in found.reducing]
        if not heard or not wants_model(self.config.model, context):
            return patch
        return patch | await self._worded(patch, found, self._question(heard, found, panel, state, context), context)

    def panel(self, state: State, context: RunContext) -> Panel:
        """Who is heard: the specialists."""
        signals = spoken(state, context)
        silent = [agent for agent, reason in sorted(state.get("abstentions", {}).items()) if reason]
        return Panel(signals, silent, signals, state.get("reports", {}))

    async def _worded(
        self, patch: State, found: Weighed, question: Question[VerdictAnswer], context: RunContext
    ) -> State:
        try:
            answer = await ask(question, context)
        except LLMError as error:
            reason = f"HOLD: the model could not be asked ({why(error)}). Without it: {patch['synthesis_reasoning']}"
            held = {"synthesis_verdict": "HOLD", "synthesis_confidence": 0.0, "synthesis_trusted": None}
            return held | {"synthesis_reasoning": reason} | failed(self.name, error)
        return _reconciled(patch, found, answer.value) | succeeded(self.name)

    def _question(
        self, heard: list[State], found: Weighed, panel: Panel, state: State, context: RunContext
    ) -> Question[VerdictAnswer]:
        """About the trusted voices only, so that no text which others wrote has a say in whether to hold back.

        Who else may have spoken stands there as silent: the question is the same with that text and without it.
        """
        silent = sorted({*panel.silent, *(voice["agent"] for voice in panel.voices if voice not in heard)})
        said = [
            *prompts.opening(context.request.target, context.as_of, state.get("iteration", 0)),
            *prompts.voices(heard, panel.reports),
            f"Without a say: {', '.join(silent) or 'nobody'}.",
            *prompts.memories(state.get("memories") or (), with_words=self.options.untrusted == "count"),
            _computed(found.trusted, self.options.threshold),
        ]
        return Question(
            agent=self.name,
            instructions=prompts.instructions(prompts.SYNTHESIS),
            prompt="\n\n".join(said),
            output=VerdictAnswer,
            model=self.config.model,
        )


def _reconciled(patch: State, found: Weighed, said: VerdictAnswer) -> State:
    """The computed verdict if the model stands behind it, else HOLD; what it said besides that is its dissent."""
    computed, backed = patch["synthesis_reasoning"], said.verdict == found.trusted.word
    if backed:
        return {"synthesis_reasoning": f"{computed} {said.reasoning}"}
    held = {"synthesis_verdict": "HOLD", "synthesis_reasoning": f"HOLD, held back: {said.reasoning} ({computed})"}
    if said.verdict == "HOLD":
        return held
    refused = f"HOLD: the model said {said.verdict}, which is not computed. ({computed})"
    return {**held, "synthesis_reasoning": refused, "synthesis_dissent": said.model_dump()}


def _computed(verdict: Verdict, threshold: float) -> str:
    numbers = f"score {verdict.score:+.3f}, agreement {verdict.agreement:.2f}, threshold {threshold:g}"
    return f"Computed from these signals: {verdict.word} ({numbers})."


def _as_state(verdict: Verdict) -> dict[str, Any]:
    return {
        "verdict": verdict.word,
        "score": round(verdict.score, 6),
        "confidence": round(verdict.confidence, 6),
    }


def _reasoning(found: Weighed, panel: Panel) -> str:
    verdict = found.verdict
    if not panel.voices:
        return f"HOLD: nobody had data ({', '.join(panel.silent) or 'no specialists'} abstained)."
    voices = ", ".join(
        f"{s['agent']} {s['signal'].lower()} {s['confidence']:.2f}" for s in [*panel.voices, *panel.guests]
    )
    quiet = f"; {', '.join(panel.silent)} abstained" if panel.silent else ""
    small = f"; without {', '.join(found.reducing)}, which may only reduce, {found.trusted.score:+.3f}"
    text = small if found.reducing else ""
    return f"{verdict.word} at score {verdict.score:+.3f}, agreement {verdict.agreement:.2f}: {voices}{quiet}{text}."
