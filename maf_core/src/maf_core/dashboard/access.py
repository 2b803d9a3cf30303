"""Who may ask the dashboard, and from where."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from maf_core.dashboard.problems import problem
from maf_core.errors import ConfigError

# What a load balancer or supervisor asks; neither says anything about what MAF does.
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True, slots=True)
class Access:
    """`token`: what whoever asks has to know. `here_only`: the name asked for must be one of this machine."""

    token: SecretStr | None = None
    here_only: bool = False

    @classmethod
    def on(cls, host: str, token: SecretStr | None) -> Access:
        """The access to a dashboard that listens on `host`.

        Raises `ConfigError` when others can reach it and there is no token.
        """
        if token is not None and token.get_secret_value().strip():
            return cls(token)
        if not is_loopback(host):
            raise ConfigError(
                f"Others can reach {host}: set MAF_DASHBOARD_TOKEN to a secret that they must know, "
                "or stay on this machine with --host 127.0.0.1."
            )
        # A page of somebody else's, under a name that it lets point here, must not read what is served without a token.
        return cls(here_only=True)

    def refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that may not be made; None for one that may."""
        headers, path = Headers(scope=scope), scope["path"]
        if self.here_only and not is_loopback(_hostname(headers)):
            return problem(403, "Ask under 127.0.0.1 or localhost: there is no token.", path)
        if self.token is not None and path not in OPEN_PATHS and not _knows(self.token, headers):
            wanted = {"WWW-Authenticate": "Bearer"}
            return problem(401, "Send the header `Authorization: Bearer` with MAF_DASHBOARD_TOKEN.", path, wanted)
        # A WebSocket has no method: it is checked always, for browsers let any page open one.
        if scope.get("method") not in _HARMLESS and not _from_here(scope, headers):
            return problem(403, "A page of another origin may not change anything here.", path)
        return None


class Guard:
    """Turns requests away that may not be made."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with the refusal."""
        refusal = None if scope["type"] == "lifespan" else self._access.refusal(scope)
        await (refusal or self._app)(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _hostname(headers: Headers) -> str:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _knows(token: SecretStr, headers: Headers) -> bool:
    scheme, _, said = headers.get("authorization", "").partition(" ")
    expected = token.get_secret_value().strip().encode()
    return scheme.lower() == "bearer" and hmac.compare_digest(said.strip().encode("latin-1"), expected)


def _from_here(scope: Scope, headers: Headers) -> bool:
    """Whether the page that sends it is of this dashboard. What is no browser states no origin."""
    origin, scheme = headers.get("origin"), scope["scheme"].replace("ws", "http")
    return origin is None or origin.lower() == f"{scheme}://{headers.get('host', '')}".lower()
