"""`python -m maf_core.testing.ollama`: the stand-in as a process of its own."""

from __future__ import annotations

import argparse

from maf_core.records import resolve
from maf_core.testing.ollama.server import OllamaServer


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m maf_core.testing.ollama", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one; the address is printed")
    parser.add_argument("--model", action="append", help="offer this model; may be given more than once")
    parser.add_argument("--cloud", action="store_true", help="be the cloud itself, not a daemon")
    parser.add_argument("--api-key", help="what chats must bring")
    parser.add_argument("--concurrency", type=int, help="questions at once")
    parser.add_argument("--queue", type=int, default=512, help="questions that may wait")
    parser.add_argument(
        "--script", metavar="MODULE:NAME", help="a mapping of rules, see maf_core.testing.ollama.Script"
    )
    return parser.parse_args()


def main() -> None:
    """Serve until interrupted; the first line on stdout is the address."""
    options = _options()
    server = OllamaServer(
        resolve(options.script) if options.script else None,
        models=options.model,
        cloud=options.cloud,
        api_key=options.api_key,
        concurrency=options.concurrency,
        queue=options.queue,
        host=options.host,
        port=options.port,
    )
    server.serve_for_ever()


if __name__ == "__main__":
    main()
