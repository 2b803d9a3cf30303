"""Price paths from the Kronos foundation model. Needs the extra `model`; torch is imported when weights are loaded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from maf_plugin_kronos.service.paths import Paths
from maf_plugin_kronos.service.times import next_opens
from maf_plugin_kronos.service.zoo import Weights
from maf_plugin_kronos.wire import ForecastRequest


class KronosSampler:
    """Draws each path with the model's own sampling. Not thread-safe: torch has one random state for the process."""

    default_samples = 32
    at_once = 1

    def __init__(self, weights: Weights, device: str) -> None:
        """Load the weights, from a folder or from the hub; takes seconds to minutes."""
        from model import Kronos, KronosPredictor, KronosTokenizer

        with redirect_stdout(sys.stderr):  # the hub's client prints what it does; our stdout is for the address
            network = Kronos.from_pretrained(_folder(weights.model, weights.revision))
            tokenizer = KronosTokenizer.from_pretrained(_folder(weights.tokenizer, weights.tokenizer_revision))
        # The predictor leaves dropout as it finds it.
        network.eval()
        tokenizer.eval()
        self.model = weights.model
        self.tokenizer: str | None = weights.tokenizer
        self._context = weights.context
        self._predictor = KronosPredictor(network, tokenizer, device=device, max_context=weights.context)

    def sample(self, request: ForecastRequest, samples: int) -> Paths:
        """Draw `samples` paths of `request.horizon` closes, shape (samples, horizon); the same for the same seed."""
        import torch

        # Always anew: what another request's seed left behind is not chance.
        torch.manual_seed(torch.seed() if request.seed is None else request.seed)
        frame, opens, later = self._inputs(request)
        # `sample_count` would average the paths away: ask for one path of each of `samples` copies instead.
        drawn = self._predictor.predict_batch(
            [frame] * samples,
            [opens] * samples,
            [later] * samples,
            request.horizon,
            T=request.temperature,
            top_k=request.top_k,
            top_p=request.top_p,
            sample_count=1,
            verbose=False,
        )
        return np.stack([path["close"].to_numpy(np.float64) for path in drawn])

    def sample_many(self, requests: Sequence[ForecastRequest], samples: Sequence[int]) -> list[Paths]:
        """What `sample` gives for each. One by one: drawn together, their paths would depend on each other's seeds."""
        return [self.sample(request, number) for request, number in zip(requests, samples, strict=True)]

    def _inputs(self, request: ForecastRequest) -> tuple[Any, Any, Any]:
        """History that fits into the model's context, its times and the times to come, as pandas objects."""
        import pandas as pd

        bars = request.bars[-self._context :]
        columns = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
        frame = pd.DataFrame({name: [getattr(bar, short) for bar in bars] for name, short in columns.items()})
        opens = [bar.t for bar in bars]
        return frame, _times(opens), _times(next_opens(opens, request.timeframe, request.horizon))


def _folder(name: str, revision: str | None) -> Path:
    """The folder with weights: `name` itself, or what the hub has under that id.

    Left to itself, the model's code takes weights it cannot find for ones without a configuration, and says so.
    """
    from huggingface_hub import snapshot_download  # type: ignore[import-not-found]

    folder = Path(name)
    if not folder.is_dir():
        folder = Path(snapshot_download(name, revision=revision))
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"there is no config.json in {folder}")
    return folder


def _times(moments: list[datetime]) -> Any:
    """A pandas Series in UTC; an index will not do, for the model's code reads `.dt`."""
    import pandas as pd

    return pd.Series(pd.to_datetime(moments, utc=True))
