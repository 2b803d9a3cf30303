"""Makes answers with one backend, off the event loop, within a time limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import structlog

from maf_core.bars import known_at
from maf_plugin_kronos.service.paths import Paths, Sampler, Summary, summarise
from maf_plugin_kronos.service.times import next_opens
from maf_plugin_kronos.wire import ForecastAnswer, ForecastError, ForecastRequest, Step

log = structlog.get_logger(__name__)

BackendName = Literal["bootstrap", "kronos"]
Status = Literal["ok", "loading", "failed"]
Answer = ForecastAnswer | ForecastError

# After how many seconds asking again may help. What failed to load stays so until the service is started anew.
_LOADING_SECONDS, _BUSY_SECONDS, _FAILED_SECONDS = 2.0, 5.0, 60.0


class Engine:
    """One backend and the one thread that it computes in. There is no other backend to fall back to."""

    def __init__(self, backend: BackendName, model: str, make: Callable[[], Sampler], timeout_s: float) -> None:
        self.backend: BackendName = backend
        self.model = model
        self.reason = ""
        self._make = make
        self._timeout_s = timeout_s
        self._sampler: Sampler | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forecast")

    def load(self) -> None:
        """Make the backend. A failure is kept as the reason why there are no answers."""
        try:
            self._sampler = self._make()
        except Exception as error:
            # Whatever the model's code or the hub raises: the service stays up and says why it is of no use.
            log.exception("model_not_loaded", backend=self.backend, model=self.model)
            self.reason = f"The {self.backend} model {self.model} could not be loaded: {type(error).__name__}: {error}"
        else:
            log.info("model_loaded", backend=self.backend, model=self.model)

    @property
    def status(self) -> Status:
        """`loading` until `load` has returned, then `ok` or `failed`."""
        if self.reason:
            return "failed"
        return "loading" if self._sampler is None else "ok"

    def readiness(self) -> dict[str, Any]:
        """The status with the backend's and the model's name, and the reason when it failed."""
        found = {"status": self.status, "backend": self.backend, "model": self.model}
        return {**found, "reason": self.reason} if self.reason else found

    async def answer(self, request: ForecastRequest) -> ForecastAnswer:
        """Forecast.

        Raises `ForecastError`: 503 when there is no model, 504 after the time limit, 500 when the model fails.
        """
        (answer,) = await self.answers([request])
        if isinstance(answer, ForecastError):
            raise answer
        return answer

    async def answers(
        self, requests: Sequence[ForecastRequest], gone: Callable[[], Awaitable[bool]] | None = None
    ) -> list[Answer]:
        """Forecast several series, as many together as the backend takes; each is an answer or an error of its own.

        `gone`: whether nobody waits for them any more; then the rest is left. Raises `ForecastError`, 503, when there
        is no model.
        """
        sampler = self._sampler
        if sampler is None:
            raise self._no_model()
        together = sampler.at_once
        found: list[Answer] = []
        while len(found) < len(requests):
            if gone is not None and await gone():
                raise ForecastError(504, "Whoever asked for these forecasts has gone.")
            found += await self._within_time(sampler, requests[len(found) : len(found) + together])
        return found

    async def _within_time(self, sampler: Sampler, batch: Sequence[ForecastRequest]) -> list[Answer]:
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._forecast, sampler, batch)
        try:
            return await asyncio.wait_for(work, self._timeout_s)
        except TimeoutError:
            sentence = f"No forecast within {self._timeout_s:g} s. Ask for fewer samples or raise --timeout."
            return [ForecastError(504, sentence, _BUSY_SECONDS)] * len(batch)

    def _no_model(self) -> ForecastError:
        if self.reason:
            return ForecastError(503, self.reason, _FAILED_SECONDS)
        return ForecastError(
            503, f"The {self.backend} model {self.model} is loading. Ask again soon.", _LOADING_SECONDS
        )

    def close(self) -> None:
        """Drop what waits; what is being computed ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _forecast(self, sampler: Sampler, batch: Sequence[ForecastRequest]) -> list[Answer]:
        started = time.perf_counter()
        samples = [request.samples or sampler.default_samples for request in batch]
        try:
            drawn = sampler.sample_many(batch, samples)
        except Exception as error:
            log.exception("forecast_failed", series=[f"{request.symbol}:{request.timeframe}" for request in batch])
            failure = ForecastError(500, f"The model {sampler.model} failed: {type(error).__name__}: {error}")
            return [failure] * len(batch)
        answers = [self._answer(sampler, *each) for each in zip(batch, drawn, strict=True)]
        latency_ms = round((time.perf_counter() - started) * 1000 / len(batch), 3)
        return [_timed(answer, latency_ms) for answer in answers]

    def _answer(self, sampler: Sampler, request: ForecastRequest, paths: Paths) -> Answer:
        if not np.isfinite(paths).all():
            return ForecastError(500, f"The model {sampler.model} gave a price that is not a finite number.")
        summary = summarise(paths, request.bars[-1].c)
        return ForecastAnswer(
            symbol=request.symbol,
            model=sampler.model,
            tokenizer=sampler.tokenizer,
            backend=self.backend,
            last_close=request.bars[-1].c,
            asof=known_at(request.bars[-1].t, request.timeframe),
            horizon=request.horizon,
            samples=len(paths),
            p_up=summary.p_up,
            p_up_raw=summary.p_up_raw,
            expected_return=summary.expected_return,
            steps=_steps(request, summary),
            latency_ms=0.0,
            calibrated=False,
        )


def _timed(answer: Answer, latency_ms: float) -> Answer:
    return answer if isinstance(answer, ForecastError) else answer.model_copy(update={"latency_ms": latency_ms})


def _steps(request: ForecastRequest, summary: Summary) -> list[Step]:
    opens = next_opens([bar.t for bar in request.bars], request.timeframe, request.horizon)
    rows = zip(opens, summary.mean, summary.p10, summary.p50, summary.p90, strict=True)
    return [Step(t=t, mean=mean, p10=p10, p50=p50, p90=p90) for t, mean, p10, p50, p90 in rows]
