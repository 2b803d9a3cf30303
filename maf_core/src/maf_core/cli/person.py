"""Who is at the command line."""

from __future__ import annotations

import getpass
import os
import socket


def who_asks() -> str:
    """The user and the machine, as in `anna@desk`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"
