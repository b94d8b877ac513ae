from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from tests.portal.fakes import PASSWORD, City

Login = Callable[[str], Awaitable[httpx.AsyncClient]]


def field(page: str, name: str) -> str:
    """Value of the first form field of that name."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return found[1]


@pytest.fixture
def city() -> City:
    return City()


@pytest.fixture
async def client(city: City) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(city) as client:
        yield client


@pytest.fixture
async def login(city: City) -> AsyncIterator[Login]:
    """A client logged in as one of the four roles, through the login form."""
    clients: list[httpx.AsyncClient] = []

    async def enter(role: str) -> httpx.AsyncClient:
        client = browser(city)
        clients.append(client)
        page = await client.get("/masuk")
        form = {"csrf": field(page.text, "csrf"), "akun": role, "sandi": PASSWORD}
        assert (await client.post("/masuk", data=form)).status_code == 303
        return client

    yield enter
    for client in clients:
        await client.aclose()


def browser(city: City, address: str = "203.0.113.7") -> httpx.AsyncClient:
    """A browser at an address."""
    transport = httpx.ASGITransport(city.app, raise_app_exceptions=False, client=(address, 5000))
    return httpx.AsyncClient(transport=transport, base_url=city.deps.base_url, headers={"Accept": "text/html"})
