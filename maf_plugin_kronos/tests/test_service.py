"""The forecast service over real HTTP."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest

from maf_core.tasks import cancelled
from maf_core.testing import wait_until
from maf_plugin_kronos.service.bootstrap import BootstrapSampler
from maf_plugin_kronos.service.engine import Engine


@pytest.fixture
async def http(service_url):
    async with httpx.AsyncClient(base_url=service_url) as client:
        yield client


@pytest.fixture
def request_of(make_bars):
    def make(**changes):
        return {"symbol": "AAPL", "timeframe": "1d", "bars": make_bars(60), "horizon": 3, "seed": 7} | changes

    return make


class Gated(BootstrapSampler):
    """The bootstrap, but only once it is let through."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def sample_many(self, requests, samples):
        self.gate.wait(10)
        return super().sample_many(requests, samples)


class OneByOne(Gated):
    """Computes one series at a time, and those called SLOW only once it is let through."""

    at_once = 1

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def sample_many(self, requests, samples):
        self.asked += [request.symbol for request in requests]
        if requests[0].symbol == "SLOW":
            self.gate.wait(10)
        return BootstrapSampler.sample_many(self, requests, samples)


async def test_an_answer_names_its_backend_and_covers_the_horizon(http, request_of):
    request = request_of(samples=100)
    answer = (await http.post("/forecast", json=request)).raise_for_status().json()
    assert answer["backend"] == "bootstrap"
    assert answer["model"] == "stationary-bootstrap"
    assert answer["tokenizer"] is None
    assert answer["calibrated"] is False
    assert (answer["symbol"], answer["horizon"], answer["samples"]) == ("AAPL", 3, 100)
    assert answer["last_close"] == request["bars"][-1]["c"]
    assert answer["asof"] == "2025-03-28T20:00:00Z"  # the last bar's session ends at 16:00 in New York
    assert [step["t"][:10] for step in answer["steps"]] == ["2025-03-31", "2025-04-01", "2025-04-02"]
    assert set(answer["steps"][0]) == {"t", "mean", "p10", "p50", "p90"}
    assert answer["p_up"] == pytest.approx((answer["p_up_raw"] * 100 + 2) / 104)
    assert answer["latency_ms"] > 0


async def test_the_seed_decides_and_chance_does_without_one(http, request_of):
    seeded = [(await http.post("/forecast", json=request_of())).json()["steps"] for _ in range(2)]
    free = [(await http.post("/forecast", json=request_of(seed=None))).json()["steps"] for _ in range(2)]
    assert seeded[0] == seeded[1]
    assert free[0] != free[1]


@pytest.mark.parametrize(
    ("at", "change", "sentence"),
    [
        (3, {"h": 1.0}, "bars: bar 3: high 1 is below low"),
        (3, {"c": 1e6}, "bars: bar 3: open 102.998 or close 1e+06 lies outside"),
        (3, {"c": -5}, "bars.3.c: Input should be greater than 0"),
        (3, {"c": None}, "bars.3.c: Input should be a valid number"),
        (3, {"v": -1}, "bars.3.v: Input should be greater than or equal to 0"),
        (3, {"t": "soon"}, "bars.3.t: Input should be a valid datetime"),
        (3, {"t": "2020-01-01T00:00:00Z"}, "bars: bar 3 opens at 2020-01-01T00:00:00+00:00, not after the one before"),
    ],
)
async def test_bad_bars_are_refused_in_a_sentence(http, request_of, at, change, sentence):
    request = request_of()
    request["bars"][at] |= change
    response = await http.post("/forecast", json=request)
    assert response.status_code == response.json()["status"] == 422
    assert response.json()["error"].startswith(sentence)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"bars": []}, "bars"),
        ({"horizon": 0}, "horizon"),
        ({"timeframe": "soon"}, "timeframe"),
        ({"top_p": 0}, "top_p"),
    ],
)
async def test_wrong_requests_are_refused_naming_the_field(http, request_of, changes, where):
    response = await http.post("/forecast", json=request_of(**changes))
    assert response.status_code == 422
    assert response.json()["error"].startswith(f"{where}: ")


async def test_prices_beyond_all_numbers_are_a_failure_and_no_forecast(http, request_of):
    request = request_of(horizon=50)
    for number, bar in enumerate(request["bars"]):
        bar |= dict.fromkeys("ohlc", 1e-300 if number % 2 else 1e300)
    response = await http.post("/forecast", json=request)
    assert (response.status_code, response.json()["status"]) == (500, 500)
    assert "not a finite number" in response.json()["error"]


async def test_a_body_that_is_no_json_is_refused(http):
    response = await http.post("/forecast", content=b"{nope", headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["error"]) == (422, "The body is no JSON.")


async def test_a_bad_item_does_not_spoil_the_batch(http, request_of):
    items = [request_of(), request_of(bars=[]), 7, request_of(symbol="MSFT")]
    first, second, third, fourth = (await http.post("/forecast/batch", json={"items": items})).json()["items"]
    alone = (await http.post("/forecast", json=request_of())).json()
    assert first | {"latency_ms": 0} == alone | {"latency_ms": 0}
    assert (second["status"], third["status"]) == (422, 422)
    assert second["error"].startswith("bars: ")
    assert fourth["symbol"] == "MSFT"


async def test_health_and_readiness(http):
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ok", "backend": "bootstrap", "model": "stationary-bootstrap"},
    )


async def test_while_the_model_loads_the_answer_is_503(served_here, request_of):
    gate = threading.Event()

    def load_slowly():
        gate.wait(10)
        return BootstrapSampler()

    engine = Engine("kronos", "some/model", load_slowly, timeout_s=5)
    async with served_here(engine) as url, httpx.AsyncClient(base_url=url) as http:
        loading = asyncio.create_task(asyncio.to_thread(engine.load))
        ready, answer = await http.get("/readyz"), await http.post("/forecast", json=request_of())
        assert (ready.status_code, ready.json()["status"]) == (503, "loading")
        assert (answer.status_code, answer.json()["error"]) == (
            503,
            "The kronos model some/model is loading. Ask again soon.",
        )
        assert answer.headers["retry-after"] == "2"
        gate.set()
        await loading
        assert (await http.get("/readyz")).json()["status"] == "ok"
        assert (await http.post("/forecast", json=request_of())).json()["backend"] == "kronos"


async def test_a_model_that_cannot_be_loaded_says_why_and_nothing_stands_in_for_it(served_here, request_of):
    def fail():
        raise OSError("no weights in /nowhere")

    engine = Engine("kronos", "/nowhere", fail, timeout_s=5)
    engine.load()
    reason = "The kronos model /nowhere could not be loaded: OSError: no weights in /nowhere"
    async with served_here(engine) as url, httpx.AsyncClient(base_url=url) as http:
        ready, answer = await http.get("/readyz"), await http.post("/forecast", json=request_of())
        batch = await http.post("/forecast/batch", json={"items": [request_of()]})
    assert (ready.status_code, ready.json()) == (
        503,
        {"status": "failed", "backend": "kronos", "model": "/nowhere", "reason": reason},
    )
    assert (answer.status_code, answer.json()) == (503, {"error": reason, "status": 503})
    assert (batch.status_code, batch.json()) == (503, {"error": reason, "status": 503})
    assert batch.headers["retry-after"] == "60"


async def test_a_forecast_in_work_delays_nobody_who_asks_for_health(served_here, request_of):
    sampler = Gated()
    engine = Engine("bootstrap", sampler.model, lambda: sampler, timeout_s=10)
    engine.load()
    async with served_here(engine) as url, httpx.AsyncClient(base_url=url) as http:
        forecast = asyncio.create_task(http.post("/forecast", json=request_of()))
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        assert not forecast.done()
        sampler.gate.set()
        assert (await forecast).status_code == 200


async def test_a_forecast_that_takes_too_long_is_504(served_here, request_of):
    sampler = Gated()
    engine = Engine("bootstrap", sampler.model, lambda: sampler, timeout_s=0.05)
    engine.load()
    async with served_here(engine) as url, httpx.AsyncClient(base_url=url) as http:
        late = await http.post("/forecast", json=request_of())
        sampler.gate.set()
    assert (late.status_code, late.json()["error"][:25]) == (504, "No forecast within 0.05 s")
    assert late.headers["retry-after"] == "5"


async def test_in_a_batch_only_what_takes_too_long_is_504(served_here, request_of):
    """A backend that computes one series after the other, and never finishes the second."""
    sampler = OneByOne()
    engine = Engine("bootstrap", sampler.model, lambda: sampler, timeout_s=1)
    engine.load()
    items = [request_of(), request_of(symbol="SLOW"), request_of(bars=[])]
    async with served_here(engine) as url, httpx.AsyncClient(base_url=url) as http:
        batch = await http.post("/forecast/batch", json={"items": items})
        sampler.gate.set()
    assert [item.get("status", 200) for item in batch.json()["items"]] == [200, 504, 422]


async def test_a_batch_that_nobody_waits_for_any_more_is_left(served_here, request_of):
    sampler = OneByOne()
    engine = Engine("bootstrap", sampler.model, lambda: sampler, timeout_s=10)
    engine.load()
    items = [request_of(symbol="SLOW"), *(request_of(symbol=f"S{number}") for number in range(5))]
    async with served_here(engine) as url, httpx.AsyncClient(base_url=url) as http:
        leaving = asyncio.create_task(http.post("/forecast/batch", json={"items": items}))
        await wait_until(lambda: sampler.asked)
        await cancelled([leaving])
        await http.get("/healthz")  # by then the service has heard of it
        sampler.gate.set()
        assert (await http.post("/forecast", json=request_of(symbol="NEXT"))).status_code == 200
    assert sampler.asked == ["SLOW", "NEXT"]


async def test_more_than_a_batch_holds_is_refused(http, request_of):
    response = await http.post("/forecast/batch", json={"items": [1] * 257})
    assert response.status_code == 422
    assert response.json()["error"].startswith("items: ")
