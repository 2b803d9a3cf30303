"""`python -m maf_plugin_mirofish.testing`: the stand-in as a process of its own."""

from __future__ import annotations

import argparse

from maf_plugin_mirofish.testing.server import MiroFishServer


def main() -> None:
    """Serve until interrupted; the first line on stdout is the address."""
    parser = argparse.ArgumentParser(prog="python -m maf_plugin_mirofish.testing", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one; the address is printed")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each stage takes")
    options = parser.parse_args()
    seconds = dict.fromkeys(("build", "prepare", "run", "report"), options.seconds)
    MiroFishServer(seconds, options.host, options.port).serve_for_ever()


if __name__ == "__main__":
    main()
