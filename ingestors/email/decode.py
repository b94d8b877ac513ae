"""Raw mail to one item. Pure: no I/O, no clock; linear in the size of the mail, and it never raises for any bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from pipeline.channel import Part, Raw
from schemas.base import utc
from schemas.item import Author, Decoded, Item, Outcome

from . import reasons
from .body import Body, read_body
from .charsets import clean
from .headers import Headers, Refused, base_address, date, mailbox, message_ids, words
from .loops import is_null_path, verdict
from .payload import Entity, parse
from .quotes import own_text

OLDEST: Final = timedelta(days=7)
AHEAD: Final = timedelta(minutes=5)

_NUMBER = re.compile(r"(?<![A-Z0-9])JK\d{10,14}(?![A-Z0-9])", re.IGNORECASE)
_FORWARD_SUBJECT = re.compile(r"\s*(?:fwd?|trs|terusan|diteruskan)\s*:", re.IGNORECASE)
_RECIPIENT_FIELDS: Final = ("to", "cc", "delivered-to", "x-original-to")


def decode(raw: Raw) -> Iterator[Part]:
    """One part: the complaint, the answer in a thread, the ignored mail with its reason, or a dead letter.

    ``raw.meta`` may hold ``null_sender`` ("1" for MAIL FROM:<>), ``ticket_number`` (from the plus address of the
    envelope) and ``own`` (our addresses, comma separated, beside ``raw.account``).
    """
    try:
        mail = parse(raw.body)
    except Refused as refused:
        yield _dead(raw, refused.reason)
        return
    if not mail.headers.count:
        yield _dead(raw, reasons.UNREADABLE)
        return
    body = read_body(raw.body, mail)
    item = _item(raw, mail, body)
    if not (item.text or item.subject or item.attachments):
        yield _dead(raw, reasons.EMPTY)
        return
    outcome, reason = _outcome(raw, mail, item)
    key = f"email:{raw.account}:{item.external_id}"
    yield Part(Decoded(outcome=outcome, key=key, reason=reason, item=item), body.files)


def _dead(raw: Raw, reason: str) -> Part:
    return Part(Decoded(outcome="dead", key=f"email:{raw.account}:{_digest(raw.body)}", reason=reason))


def _digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _own(raw: Raw) -> list[str]:
    return [base_address(each) for each in (raw.account, *raw.meta.get("own", "").split(",")) if "@" in each]


def _outcome(raw: Raw, mail: Entity, item: Item) -> tuple[Outcome, str | None]:
    null_sender = raw.meta.get("null_sender") == "1" or is_null_path(mail)
    ignored = verdict(mail, item.author.email, item.subject or "", _own(raw), null_sender)
    if ignored:
        return "ignored", ignored
    if item.reply_to or item.ticket_number:
        return "reply", reasons.THREAD
    return "complaint", None


def _item(raw: Raw, mail: Entity, body: Body) -> Item:
    headers = mail.headers
    external_id = next(iter(message_ids(headers.first("message-id"))), None) or _digest(raw.body)
    references = message_ids(headers.first("references"))
    answered = message_ids(headers.first("in-reply-to")) or references[-1:]
    subject = words(headers.first("subject") or "") or None
    return Item(
        channel="email",
        account=raw.account,
        external_id=external_id,
        author=_author(headers, external_id),
        text=_text(body, subject or "", bool(answered)),
        sent_at=_sent_at(headers, utc(raw.received_at)),
        thread=next(iter(references or answered), external_id),
        root=external_id,
        reply_to=next(iter(answered), None),
        subject=subject,
        attachments=tuple(body.attachments),
        ticket_number=_ticket_number(raw, headers, subject or ""),
    )


def _author(headers: Headers, external_id: str) -> Author:
    """From; Reply-To only where From gives no address. Without any, each mail is a person of its own: strangers who
    all lack an address must never become one person."""
    name: str | None = None
    for field in ("from", "reply-to"):
        for value in headers.all(field)[:1]:
            found, address = mailbox(value)
            name = name or found
            if address:
                return Author(id=address, name=name, email=address)
    return Author(id=f"message:{external_id}", name=name)


def _sent_at(headers: Headers, received_at: datetime) -> datetime:
    """The sender's clock counts only within [received - 7 days, received + 5 minutes]."""
    sent = date(headers.first("date"))
    if sent is None or not received_at - OLDEST <= sent <= received_at + AHEAD:
        return received_at
    return sent


def _text(body: Body, subject: str, answer: bool) -> str:
    forwarded = bool(_FORWARD_SUBJECT.match(subject))
    own = own_text(clean(body.text), answer=answer, forwarded=forwarded) if body.text.strip() else ""
    return "\n\n".join(part for part in (own, *body.forwarded) if part)


def _ticket_number(raw: Raw, headers: Headers, subject: str) -> str | None:
    """From the envelope's plus address, then the plus address in the headers, then the subject."""
    candidates = [raw.meta.get("ticket_number", "")]
    for own in _own(raw):
        local, _, domain = own.rpartition("@")
        plus = re.compile(rf"(?<![^\s<,;:\"]){re.escape(local)}\+(JK\d{{10,14}})@{re.escape(domain)}", re.IGNORECASE)
        for field in _RECIPIENT_FIELDS:
            candidates += [found for value in headers.all(field) for found in plus.findall(value)]
    candidates.append(subject)
    for candidate in candidates:
        found = _NUMBER.search(candidate)
        if found:
            return found[0].upper()
    return None
