"""Wire format of Cloud API webhooks (Meta, "Webhooks > Messages"; facebook/openapi business-messaging-api v23.0).

Every field that the vendor may leave out is optional here: a missing field must never cost the message.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(max_length=65_536)]
"""WhatsApp takes 4,096 characters (65,536 in its app); more than that is not from there."""
Id = str | int
"""Meta documents ids as text, and has sent them as numbers."""


class Profile(msgspec.Struct):
    name: str | None = None
    username: str | None = None


class Contact(msgspec.Struct):
    """``user_id`` (business-scoped) comes always, ``wa_id`` only for people who show their number."""

    profile: Profile | None = None
    wa_id: Id | None = None
    user_id: Id | None = None


class Context(msgspec.Struct):
    id: Id | None = None
    forwarded: bool = False
    frequently_forwarded: bool = False


class Body(msgspec.Struct):
    body: Text = ""


class Media(msgspec.Struct):
    id: Id | None = None
    mime_type: str | None = None
    sha256: str | None = None
    caption: Text | None = None
    filename: str | None = None


class Spot(msgspec.Struct):
    latitude: float | str | None = None
    longitude: float | str | None = None
    name: str | None = None
    address: str | None = None


class Edit(msgspec.Struct):
    original_message_id: Id | None = None
    message: msgspec.Raw = msgspec.Raw(b"null")


class Choice(msgspec.Struct):
    id: str | None = None
    title: str | None = None
    description: str | None = None


class Form(msgspec.Struct):
    """A filled-in form (WhatsApp Flow). ``response_json`` is JSON inside text; its members are the form's fields."""

    response_json: Text | None = None


class Interactive(msgspec.Struct):
    type: str | None = None
    list_reply: Choice | None = None
    button_reply: Choice | None = None
    nfm_reply: Form | None = None


class Button(msgspec.Struct):
    text: str | None = None
    payload: str | None = None


class Inbound(msgspec.Struct):
    """One message. ``type`` names the member that holds its content. The new content of an edit has no ``id``."""

    type: str
    id: Id | None = None
    timestamp: str | int | None = None
    sender: Id | None = msgspec.field(default=None, name="from")
    from_user_id: Id | None = None
    group_id: Id | None = None
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


class Fault(msgspec.Struct):
    code: Id | None = None


class Status(msgspec.Struct):
    """Delivery report of a message of ours. What only describes it is read apart: it must never cost the report."""

    id: Id
    status: str | None = None
    errors: msgspec.Raw = msgspec.Raw(b"null")
    biz_opaque_callback_data: msgspec.Raw = msgspec.Raw(b"null")


class Metadata(msgspec.Struct):
    phone_number_id: Id | None = None


class Value(msgspec.Struct):
    """Everything stays raw here, so that one bad item never harms its neighbours."""

    metadata: msgspec.Raw = msgspec.Raw(b"null")
    contacts: list[msgspec.Raw] | None = None
    messages: list[msgspec.Raw] | None = None
    statuses: list[msgspec.Raw] | None = None
    errors: list[msgspec.Raw] | None = None


class Change(msgspec.Struct):
    field: str | None = None
    value: msgspec.Raw = msgspec.Raw(b"null")


class Entry(msgspec.Struct):
    changes: list[msgspec.Raw] = []


class Envelope(msgspec.Struct):
    object: str
    entry: list[msgspec.Raw]
