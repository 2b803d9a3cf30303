"""A stand-in for the wheel of llama.cpp: the names that are used of it, and answers over real HTTP."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from maf_core.testing.ollama import OllamaServer

print("a word on standard output, as the wheel says one of a build that has no version")


class CommonParams:
    """What a server is made from."""

    def __init__(self) -> None:
        self.model = SimpleNamespace(path="")
        self.sampling = SimpleNamespace()
        self.cpuparams, self.cpuparams_batch = SimpleNamespace(), SimpleNamespace()


class Server:
    """Loads a file and listens; as the real one, it raises for a file that is no model."""

    def __init__(self, parameters: Any) -> None:
        path = parameters.model.path
        if not Path(path).read_bytes().startswith(b"GGUF"):
            raise RuntimeError(f"failed to load model '{path}'")
        assert (parameters.hostnames, parameters.port) == (["127.0.0.1"], 0)
        self._server = OllamaServer({"*": {"word": f"{parameters.n_parallel} at once"}}, models=[path]).start()

    @property
    def listening_address(self) -> str:
        return self._server.url
