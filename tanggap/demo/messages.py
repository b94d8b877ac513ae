"""The vendors' wire formats, filled with invented people. Every run has new ids, as real senders have."""

from __future__ import annotations

import random
import secrets
import struct
import zlib
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from ingestors.email.settings import EmailSettings
from ingestors.whatsapp.settings import WhatsAppSettings
from ingestors.x.settings import XSettings
from schemas.base import encode

FLOODS = (
    "Banjir {depth} cm di Jl. {street}, air masuk rumah warga RT {rt:02d}/{rw:02d}, mohon pompa segera",
    "Tolong min, {street} tergenang banjir {depth} cm sejak subuh, RT {rt:02d} RW {rw:02d}",
    "Banjir lagi di {street} RT {rt:02d}/RW {rw:02d}, tinggi air {depth} cm, saluran meluap",
)
STREETS = ("Kemang Raya", "Bangka Raya", "Kemang Utara", "Ciledug Raya", "Petogogan", "Gunawarman", "Cipete Raya")
KEMANG = (-6.2607, 106.8137)


def now() -> datetime:
    """The sender's clock."""
    return datetime.now(UTC)


def digits(length: int) -> str:
    """Random digits, as vendors' ids are made of; the first is not zero."""
    return str(secrets.randbelow(9 * 10 ** (length - 1)) + 10 ** (length - 1))


class Person:
    """Somebody invented, with a WhatsApp number from a range that is not given out."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.phone = "628110000" + digits(5)
        self.user_id = f"ID.{digits(15)}"


def whatsapp(settings: WhatsAppSettings, person: Person, content: dict[str, Any]) -> bytes:
    """One message as the Cloud API delivers it, non-ASCII escaped as on Meta's wire."""
    message = {
        "from": person.phone,
        "from_user_id": person.user_id,
        "id": f"wamid.{secrets.token_urlsafe(24)}",
        "timestamp": str(int(now().timestamp())),
        **content,
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "628111272206", "phone_number_id": settings.phone_number_id},
        "contacts": [{"profile": {"name": person.name}, "wa_id": person.phone, "user_id": person.user_id}],
        "messages": [message],
    }
    entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
    return encode({"object": "whatsapp_business_account", "entry": [entry]})


def text(words: str) -> dict[str, Any]:
    """Content of a text message."""
    return {"type": "text", "text": {"body": words}}


def location(lat: float, lon: float, name: str) -> dict[str, Any]:
    """Content of a location message."""
    return {"type": "location", "location": {"latitude": lat, "longitude": lon, "name": name}}


def flood(number: int) -> dict[str, Any]:
    """One report of the burst."""
    pick = random.Random(number)  # noqa: S311 - variety, not secrecy
    words = pick.choice(FLOODS).format(
        depth=pick.randrange(20, 120, 10), street=pick.choice(STREETS), rt=pick.randint(1, 15), rw=pick.randint(1, 9)
    )
    return text(words)


def x_mention(settings: XSettings, name: str, handle: str, words: str) -> bytes:
    """A mention as the X Activity API delivers it (``post.mention.create``)."""
    author, post = digits(19), digits(19)
    payload = {
        "id": post,
        "author_id": author,
        "text": words,
        "created_at": now().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "conversation_id": post,
        "edit_history_tweet_ids": [post],
        "lang": "in",
    }
    users = [
        {"id": author, "name": name, "username": handle},
        {"id": settings.user_id, "name": "Pemprov DKI Jakarta", "username": settings.account},
    ]
    data = {
        "event_uuid": digits(19),
        "filter": {"user_id": settings.user_id},
        "event_type": "post.mention.create",
        "tag": "sebutan",
        "payload": payload,
        "includes": {"users": users},
    }
    return encode({"data": data})


def mail(settings: EmailSettings, name: str, address: str, subject: str, words: str) -> EmailMessage:
    """A mail to the city's address."""
    message = EmailMessage()
    message["From"] = f"{name} <{address}>"
    message["To"] = settings.address
    message["Subject"] = subject
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<{secrets.token_hex(12)}@surel.contoh.id>"
    message.set_content(words)
    return message


def with_photo(message: EmailMessage) -> EmailMessage:
    """Attaches a real, if plain, photo."""
    message.add_attachment(png(160, 120), maintype="image", subtype="png", filename="trotoar.png")
    return message


def answer(message: EmailMessage, words: str) -> EmailMessage:
    """The same person writes again in the thread."""
    reply = EmailMessage()
    reply["From"], reply["To"] = message["From"], message["To"]
    reply["Subject"] = f"Re: {message['Subject']}"
    reply["Date"] = format_datetime(now())
    reply["Message-ID"] = f"<{secrets.token_hex(12)}@surel.contoh.id>"
    reply["In-Reply-To"] = reply["References"] = message["Message-ID"]
    reply.set_content(words)
    return reply


def png(width: int, height: int) -> bytes:
    """A grey gradient as PNG (W3C PNG, section 5)."""
    rows = b"".join(b"\0" + bytes((x + y) % 256 for x in range(width)) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
