"""The real model code, with tiny random weights, behind the real service. Run with `make test-kronos`."""

from __future__ import annotations

import os
from importlib.util import find_spec

import httpx
import pytest

from maf_core.testing import wait_until

pytestmark = [
    pytest.mark.kronos,
    pytest.mark.skipif(
        not (find_spec("torch") and find_spec("model")), reason="needs pip install 'maf-plugin-kronos[model]'"
    ),
    # The model's code asks pandas for `.dt.weekday`; the extra keeps pandas below the version that drops it.
    pytest.mark.filterwarnings("ignore:Series.dt.weekday is deprecated"),
]
DROPOUT = 0.5


@pytest.fixture
def weights(tmp_path):
    """Folders of a model and a tokenizer that were never trained, dropout and all."""
    import torch
    from model import Kronos, KronosTokenizer

    torch.manual_seed(0)
    sizes = {"d_model": 16, "n_heads": 2, "ff_dim": 32, "s1_bits": 4, "s2_bits": 4}
    drop = {"ffn_dropout_p": DROPOUT, "attn_dropout_p": DROPOUT, "resid_dropout_p": DROPOUT}
    quantizer = {"beta": 0.05, "gamma0": 1.0, "gamma": 1.1, "zeta": 0.05, "group_size": 4}
    Kronos(**sizes, **drop, n_layers=1, token_dropout_p=DROPOUT, learn_te=True).save_pretrained(tmp_path / "model")
    tokenizer = KronosTokenizer(**sizes, **drop, **quantizer, d_in=6, n_enc_layers=2, n_dec_layers=2)
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    return tmp_path


@pytest.fixture
def kronos(serve, monkeypatch):
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")

    def start(folder):
        return serve(
            *("--port", "0", "--backend", "kronos"),
            *("--model", str(folder / "model"), "--tokenizer", str(folder / "tokenizer")),
        )

    return start


async def until_status(http, status) -> dict:
    async def has_it():
        ready = (await http.get("/readyz")).json()
        return ready if ready["status"] == status else None

    return await wait_until(has_it, timeout_s=60)


async def test_forecasts_with_loaded_weights(kronos, weights, make_bars):
    request = {"symbol": "AAPL", "timeframe": "1d", "bars": make_bars(60), "horizon": 3, "samples": 16, "seed": 1}
    async with httpx.AsyncClient(base_url=kronos(weights), timeout=60) as http:
        await until_status(http, "ok")
        first, free, again, freely = [
            (await http.post("/forecast", json=request | {"seed": seed})).raise_for_status().json()
            for seed in (1, None, 1, None)
        ]
    assert (first["backend"], first["model"]) == ("kronos", str(weights / "model"))
    assert first["tokenizer"] == str(weights / "tokenizer")
    assert (first["samples"], len(first["steps"])) == (16, 3)
    # Paths that were averaged away would leave no spread.
    assert all(step["p10"] < step["p50"] < step["p90"] for step in first["steps"])
    assert first["steps"] == again["steps"]
    assert free["steps"] != freely["steps"]


async def test_dropout_is_off(kronos, weights, make_bars):
    greedy = {"symbol": "A", "timeframe": "1d", "bars": make_bars(60), "horizon": 3, "samples": 1, "top_k": 1}
    async with httpx.AsyncClient(base_url=kronos(weights), timeout=60) as http:
        await until_status(http, "ok")
        # The likeliest token is the same for every seed, unless chance has a hand in the network itself.
        found = [(await http.post("/forecast", json=greedy | {"seed": seed})).json()["steps"] for seed in range(5)]
    assert found == found[:1] * 5


async def test_history_beyond_the_context_is_cut(weights, make_bars):
    from maf_plugin_kronos.service.model import KronosSampler
    from maf_plugin_kronos.service.zoo import Weights
    from maf_plugin_kronos.wire import ForecastRequest

    sampler = KronosSampler(Weights(str(weights / "model"), str(weights / "tokenizer"), context=32), "cpu")
    bars = make_bars(80)
    paths = [
        sampler.sample(ForecastRequest(symbol="A", timeframe="1d", bars=part, horizon=4, seed=3), 8)
        for part in (bars, bars[-32:])
    ]
    assert paths[0].shape == (8, 4)
    assert (paths[0] == paths[1]).all()


@pytest.mark.parametrize(("exists", "reason"), [(False, "Repo id"), (True, "there is no config.json in")])
async def test_missing_weights_fail_with_a_reason_and_nothing_stands_in(kronos, tmp_path, make_bars, exists, reason):
    if exists:
        (tmp_path / "nothing" / "model").mkdir(parents=True)
    request = {"symbol": "AAPL", "timeframe": "1d", "bars": make_bars(60), "horizon": 3}
    async with httpx.AsyncClient(base_url=kronos(tmp_path / "nothing"), timeout=60) as http:
        ready = await until_status(http, "failed")
        answer = await http.post("/forecast", json=request)
    assert (answer.status_code, answer.json()["error"]) == (503, ready["reason"])
    assert "could not be loaded" in ready["reason"]
    assert reason in ready["reason"]
