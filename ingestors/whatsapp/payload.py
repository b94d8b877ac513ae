"""Wire format of Cloud API webhooks (Meta, "Webhooks > Messages"; facebook/openapi business-messaging-api v23.0).

Every field that the vendor may leave out is optional here: a missing field must never cost the message.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(max_length=65_536)]


class Profile(msgspec.Struct):
    name: str | None = None
    username: str | None = None


class Contact(msgspec.Struct):
    """``user_id`` (business-scoped) comes always, ``wa_id`` only for people who show their number."""

    profile: Profile | None = None
    wa_id: str | None = None
    user_id: str | None = None


class Context(msgspec.Struct):
    id: str | None = None
    forwarded: bool = False
    frequently_forwarded: bool = False


class Body(msgspec.Struct):
    body: Text = ""


class Media(msgspec.Struct):
    id: str | None = None
    mime_type: str | None = None
    sha256: str | None = None
    caption: Text | None = None
    filename: str | None = None


class Spot(msgspec.Struct):
    latitude: float | None = None
    longitude: float | None = None
    name: str | None = None
    address: str | None = None


class Edit(msgspec.Struct):
    original_message_id: str | None = None
    message: msgspec.Raw = msgspec.Raw(b"null")


class Choice(msgspec.Struct):
    id: str | None = None
    title: str | None = None
    description: str | None = None


class Interactive(msgspec.Struct):
    type: str | None = None
    list_reply: Choice | None = None
    button_reply: Choice | None = None


class Button(msgspec.Struct):
    text: str | None = None
    payload: str | None = None


class Inbound(msgspec.Struct):
    """One message. ``type`` names the member that holds its content."""

    id: str
    type: str
    timestamp: str | int | None = None
    sender: str | None = msgspec.field(default=None, name="from")
    from_user_id: str | None = None
    context: Context | None = None
    text: Body | None = None
    image: Media | None = None
    video: Media | None = None
    audio: Media | None = None
    document: Media | None = None
    sticker: Media | None = None
    location: Spot | None = None
    interactive: Interactive | None = None
    button: Button | None = None
    edit: Edit | None = None
    revoke: Edit | None = None


class Status(msgspec.Struct):
    """Delivery report of a message of ours."""

    id: str
    status: str | None = None
    timestamp: str | int | None = None
    recipient_id: str | None = None


class Metadata(msgspec.Struct):
    phone_number_id: str | None = None
    display_phone_number: str | None = None


class Value(msgspec.Struct):
    """Messages and statuses stay raw here, so that one bad item never harms its neighbours."""

    metadata: Metadata | None = None
    contacts: list[Contact] = []
    messages: list[msgspec.Raw] = []
    statuses: list[msgspec.Raw] = []


class Change(msgspec.Struct):
    field: str | None = None
    value: msgspec.Raw = msgspec.Raw(b"null")


class Entry(msgspec.Struct):
    id: str | None = None
    changes: list[Change] = []


class Envelope(msgspec.Struct):
    object: str
    entry: list[Entry]
