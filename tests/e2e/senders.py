"""The vendors' side of the entrances: signed deliveries and mails, with the waiting that tests need."""

from __future__ import annotations

import secrets
import smtplib
import string
import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
from elasticsearch import Elasticsearch

from ingestors.meta import hub_signature
from ingestors.vendor import Person
from ingestors.whatsapp import vendor
from ingestors.whatsapp.settings import WhatsAppSettings
from schemas.base import decode, encode
from schemas.case import Case
from tests.e2e.conftest import City

WHATSAPP = WhatsAppSettings()
PATIENCE_SECONDS = 60.0

T = TypeVar("T")


def marker() -> str:
    """A word of this test alone, also on a shared cluster. It has no digits, so it is not masked."""
    return "tanda" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))


def complaint(mark: str) -> bytes:
    """A WhatsApp delivery with one complaint that holds the mark."""
    words = f"Lampu jalan mati di Jl. Gunawarman sudah tiga hari, gelap sekali {mark}"
    return vendor.message(WHATSAPP, Person("Budi Contoh"), words)


def signed(body: bytes) -> dict[str, str]:
    """Headers as Meta sends them."""
    signature = hub_signature(body, WHATSAPP.app_secret.get_secret_value())
    return {"Content-Type": "application/json", "X-Hub-Signature-256": signature}


def post(city: City, body: bytes, headers: dict[str, str] | None = None, channel: str = "whatsapp") -> httpx.Response:
    """One delivery, signed unless ``headers`` say otherwise."""
    url = f"{city.base_url}/webhooks/{channel}"
    return httpx.post(url, content=body, headers=signed(body) if headers is None else headers, timeout=15)


def deliver(city: City, body: bytes) -> None:
    """As the vendor does: again until it is taken."""

    def taken() -> bool:
        try:
            return post(city, body).is_success
        except httpx.TransportError:
            return False

    assert until(taken), f"a delivery was not taken in {PATIENCE_SECONDS} s{city.logs()}"


def mail(city: City, data: bytes, sender: str = "siti@surel.contoh.id") -> None:
    """By SMTP. Raises ``smtplib.SMTPException`` as the entrance answers."""
    with smtplib.SMTP("127.0.0.1", int(city.env["TANGGAP_EMAIL_LISTEN_PORT"]), timeout=60) as connection:
        connection.sendmail(sender, ["dki@jakarta.go.id"], data)


def until(look: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """What ``look`` finds first, or its last empty answer."""
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.25)
    return found


def search(city: City, index: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Documents, at most 1,000."""
    client = Elasticsearch(city.elasticsearch)
    try:
        client.indices.refresh(index=index)
        found = client.search(index=index, query=query, size=1000)
        return [hit["_source"] for hit in found["hits"]["hits"]]
    finally:
        client.close()


def cases(city: City, mark: str) -> list[Case]:
    """Every ticket whose text holds the mark."""
    hits = search(city, "pengaduan-kasus", {"match": {"text": mark}})
    return [decode(encode(hit["case"]), Case) for hit in hits]


def settled(city: City, mark: str) -> list[Case]:
    """The tickets of the mark, once one is there and has an agency and a clock."""

    def look() -> list[Case]:
        found = cases(city, mark)
        return (
            found if found and all(case.due_at and (case.unit or case.status == "tinjauan") for case in found) else []
        )

    return until(look)
