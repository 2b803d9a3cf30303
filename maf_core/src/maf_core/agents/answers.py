"""What a model is asked to fill in. Its words are cleaned and cut; what it may not decide has no field."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from maf_core.agents.quoting import clean
from maf_core.agents.signals import Abstention, AgentSignal, Direction

SUMMARY, FACTOR, NARRATIVE, REASONING = 300, 200, 4000, 1200

Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def _line(limit: int) -> AfterValidator:
    return AfterValidator(lambda text: " ".join(clean(text, limit).split()))


def _text(limit: int) -> AfterValidator:
    return AfterValidator(lambda text: clean(text, limit))


class SignalAnswer(BaseModel):
    """Your judgement: a signal with its confidence, or an abstention with its reason."""

    abstain: bool = Field(False, description="true when the data carry no judgement; neutral is a judgement")
    reason: Annotated[str, _line(SUMMARY)] = Field("", description="why you abstain; else empty")
    signal: Direction | None = Field(None, description="where the target goes")
    confidence: Confidence | None = Field(None, description="how sure you are of the signal, 0 to 1")
    summary: Annotated[str, _line(SUMMARY)] = Field("", description="one sentence, at most 300 characters")
    key_factors: list[Annotated[str, _line(FACTOR)]] = Field(default_factory=list, description="at most 10 facts")
    narrative: Annotated[str, _text(NARRATIVE)] = Field("", description="the whole argument, for people who read on")

    @model_validator(mode="after")
    def _whole(self) -> SignalAnswer:
        if not self.abstain and (self.signal is None or self.confidence is None or not self.summary):
            raise ValueError("give signal, confidence and summary; or abstain: true and a reason")
        return self

    def judgement(self) -> AgentSignal | Abstention:
        """As a routine would have said it."""
        if self.abstain or self.signal is None or self.confidence is None:
            return Abstention(reason=f"the model abstains: {self.reason or 'it gave no reason'}")
        return AgentSignal(
            signal=self.signal,
            confidence=self.confidence,
            summary=self.summary,
            key_factors=self.key_factors[:10],
            narrative=self.narrative,
        )


class VerdictAnswer(BaseModel):
    """The verdict you stand behind, which is the computed one or HOLD, and why, in a few sentences."""

    verdict: Literal["BUY", "HOLD", "SELL"]
    reasoning: Annotated[str, _line(REASONING)] = Field(min_length=1)


class TurnAnswer(BaseModel):
    """Your turn in the debate: where you stand now, how sure you are, and the argument; or abstain: true."""

    abstain: bool = Field(False, description="true when the panel gives you nothing to argue from")
    stance: Direction = Direction.NEUTRAL
    confidence: Confidence = 0.0
    argument: Annotated[str, _line(REASONING)] = Field("", description="at most 1200 characters")
