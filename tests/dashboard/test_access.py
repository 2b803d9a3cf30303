"""Who may ask, and from where."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, WebSocket
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.testclient import WebSocketDenialResponse

from maf_core import DashboardRouterSpec
from maf_core.dashboard.access import Access, is_loopback
from maf_core.dashboard.app import create_app
from maf_core.errors import ConfigError

TOKEN = "correct horse battery staple"
HERE = "http://127.0.0.1:8700"


def changes() -> APIRouter:
    """A router whose route changes something."""
    router = APIRouter()

    @router.api_route("/it", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def it() -> str:
        return "done"

    return router


@pytest.fixture
def client_of(dashboard, asked):
    return lambda access=None: asked(dashboard(access, mine=changes))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "LOCALHOST", "::1"])
def test_this_machine_needs_no_token(host):
    assert Access.on(host, None) == Access(here_only=True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "maf.example.org", "127.0.0.1.example.org", ""])
@pytest.mark.parametrize("token", [None, SecretStr(""), SecretStr(" \n")])
def test_every_other_address_does(host, token):
    with pytest.raises(ConfigError, match="MAF_DASHBOARD_TOKEN"):
        Access.on(host, token)
    assert Access.on(host, SecretStr(TOKEN)).token is not None


@given(st.text(max_size=30))
def test_no_text_is_mistaken_for_this_machine(text):
    assert not is_loopback(text) or text.lower() == "localhost" or text.startswith(("127.", "::", "0"))


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        (TOKEN, 401),
        (f"Basic {TOKEN}", 401),
        ("Bearer", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        ("Bearer caf\u00e9", 401),
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
    ],
)
async def test_with_a_token_whoever_asks_must_send_it(client_of, header, status):
    headers = {"Authorization": header.encode("latin-1")} if header else {}
    async with client_of(Access(SecretStr(TOKEN))) as client:
        answer = await client.get("/api/modules", headers=headers)
        assert answer.status_code == status
        assert (await client.get("/healthz")).status_code == (await client.get("/readyz")).status_code == 200
    assert TOKEN not in answer.text
    assert answer.headers.get("www-authenticate") == (None if status == 200 else "Bearer")


@pytest.mark.parametrize("path", ["/api/docs", "/api/openapi.json", "/api/nowhere", "/healthz/../api/modules"])
async def test_nothing_else_is_open(client_of, path):
    async with client_of(Access(SecretStr(TOKEN))) as client:
        assert (await client.get(path)).status_code == 401


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        (HERE, 200),
        ("null", 403),
        ("http://127.0.0.1:8701", 403),
        ("https://127.0.0.1:8700", 403),
        ("http://evil.example", 403),
        (f"{HERE}.evil.example", 403),
        ("", 403),
    ],
)
async def test_a_page_of_another_origin_changes_nothing(client_of, origin, status):
    headers = {} if origin is None else {"Origin": origin}
    async with client_of() as client:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert (await client.request(method, "/api/mine/it", headers=headers)).status_code == status
        assert (await client.get("/api/mine/it", headers=headers)).status_code == 200


async def test_the_token_does_not_excuse_a_foreign_origin(client_of):
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.example"}
    async with client_of(Access(SecretStr(TOKEN))) as client:
        assert (await client.post("/api/mine/it", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, None),
        ({"Authorization": f"Bearer {TOKEN}", "Origin": HERE}, None),
        ({"Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.example"}, 403),
    ],
)
def test_a_websocket_is_guarded_like_a_change(load, headers, status):
    def greets() -> APIRouter:
        router = APIRouter()

        async def greet(socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_text("hello")

        router.add_api_websocket_route("/it", greet)
        return router

    app = create_app(load(DashboardRouterSpec(name="mine", factory=greets)), Access(SecretStr(TOKEN)))
    asked = TestClient(app).websocket_connect("/api/mine/it", headers={"Host": "127.0.0.1:8700", **headers})
    if status is None:
        with asked as socket:
            assert socket.receive_text() == "hello"
    else:
        with pytest.raises(WebSocketDenialResponse) as refused, asked:
            pass
        assert refused.value.status_code == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8700", 200),
        ("localhost:8700", 200),
        ("[::1]:8700", 200),
        ("evil.example:8700", 403),
        ("127.0.0.1.evil.example", 403),
        ("", 403),
        ("[::1", 403),
    ],
)
async def test_without_a_token_only_names_of_this_machine_are_served(client_of, host, status):
    """A name that its owner lets point to 127.0.0.1 would let his pages read everything."""
    async with client_of(Access(here_only=True)) as client:
        assert (await client.get("/api/modules", headers={"Host": host})).status_code == status
