"""Telegram's side: updates as the Bot API delivers them (Telegram, "Bot API > Update")."""

from __future__ import annotations

from typing import Any

import msgspec

from ingestors.vendor import Person, Photo, Signing, Vendor, digits, sent_now
from schemas.base import encode

from .receive import HEADER
from .settings import TelegramSettings


def message(
    settings: TelegramSettings, person: Person, words: str, *, photo: Photo | None = None, after: bytes | None = None
) -> bytes:
    """See ``ingestors.vendor.Compose``: a text, or a photo with its caption, in the private chat with the bot."""
    content: dict[str, Any] = {"text": words}
    if photo is not None:
        sizes = [
            {"file_id": photo.name, "file_unique_id": f"AQ{photo.name}", "width": 1280, "height": 960,
             "file_size": len(photo.data)},
        ]  # fmt: skip
        content = {"caption": words, "photo": sizes}
    if after is not None:
        content["reply_to_message"] = msgspec.json.decode(after)["message"]
    return update({"message": inbound(person) | content})


def inbound(person: Person) -> dict[str, Any]:
    """A message's outline, without content."""
    first, _, last = person.name.partition(" ")
    names = {"first_name": first, "last_name": last, "username": person.handle}
    chat = int(person.id) % 10**10
    return {
        "message_id": int(digits(9)),
        "from": {"id": chat, "is_bot": False, **names, "language_code": "id"},
        "chat": {"id": chat, "type": "private", **names},
        "date": int(sent_now().timestamp()),
    }


def update(content: dict[str, Any]) -> bytes:
    """One update."""
    return encode({"update_id": int(digits(9)), **content})


def locate(path: str, photo: Photo) -> tuple[bytes, str] | None:
    """See ``ingestors.vendor.Vendor.locate``: getFile, and the file itself."""
    address, _, asked = path.partition("?")
    if address.endswith("/getFile") and photo.name in asked:
        found = {"file_id": photo.name, "file_unique_id": f"AQ{photo.name}", "file_size": len(photo.data)}
        return encode({"ok": True, "result": {**found, "file_path": f"photos/{photo.name}"}}), "application/json"
    if address.startswith("/file/bot") and address.endswith(f"/photos/{photo.name}"):
        return photo.data, "image/png"
    return None


VENDOR = Vendor(
    account=lambda settings: str(settings.bot_id),
    content_type="application/json",
    message=message,
    signing=Signing(
        header=HEADER,
        sign=lambda body, secret: secret,
        setting="secret_token",
        previous_setting="secret_token_previous",
        covers_body=False,
    ),
    api_setting="api_url",
    credential_setting="bot_token",
    locate=locate,
)
