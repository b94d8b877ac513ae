"""Mails that no citizen wrote: they make no ticket and get no answer, or two machines write to each other for ever.

Signs after RFC 3834 (Auto-Submitted, null return path), RFC 3464 (delivery reports), RFC 2919 (List-Id) and usage.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from . import reasons
from .headers import base_address, mailbox
from .payload import Entity

LOOP_HEADER = "X-Tanggap-Loop"

_AUTO_SUBJECT = re.compile(
    r"(?:auto(?:matic)?[- ]?reply|auto[- ]?response|out of office|balasan otomatis|jawaban otomatis|respons? otomatis"
    r"|balas otomatis|di luar kantor)\s*(?::|\Z)",
    re.IGNORECASE,
)
_AUTO_PRECEDENCE = frozenset({"auto_reply", "auto-reply"})
_LIST_PRECEDENCE = frozenset({"bulk", "list", "junk"})


def verdict(mail: Entity, sender: str | None, subject: str, own: Collection[str], null_sender: bool) -> str | None:
    """The reason to ignore ``mail``, or None. ``own`` are our addresses in lower case, without plus tags."""
    if mail.headers.first(LOOP_HEADER.lower()) is not None or (sender and base_address(sender) in own):
        return reasons.OWN
    if mail.media_type == "multipart/report":
        return reasons.BOUNCE
    if _automatic(mail, subject):
        return reasons.AUTO_REPLY
    if null_sender or (sender or "").partition("@")[0] == "mailer-daemon":
        return reasons.BOUNCE
    if _value(mail, "precedence") in _LIST_PRECEDENCE or _foreign_list(mail, own):
        return reasons.LIST
    return None


def _automatic(mail: Entity, subject: str) -> bool:
    submitted = _value(mail, "auto-submitted").partition(";")[0].strip()
    replies = (_value(mail, name) for name in ("x-autoreply", "x-autorespond", "x-autoresponder"))
    return bool(
        (submitted and submitted != "no")
        or any(value and value != "no" for value in replies)
        or _value(mail, "precedence") in _AUTO_PRECEDENCE
        or _AUTO_SUBJECT.match(subject)
    )


def _foreign_list(mail: Entity, own: Collection[str]) -> bool:
    """Whether a list sent it. A group address of ours (its List-Id is the address with a dot for the @) is no list."""
    value = mail.headers.first("list-id")
    if value is None:
        return False
    found = re.search(r"<([^<>]{1,255})>", value)
    name = (found[1] if found else value).strip().lower()
    return name not in {address.replace("@", ".") for address in own}


def _value(mail: Entity, name: str) -> str:
    return (mail.headers.first(name) or "").strip().lower()


def is_null_path(mail: Entity) -> bool:
    """Whether the delivering server noted a null return path."""
    value = mail.headers.first("return-path")
    return value is not None and mailbox(value)[1] is None and value.strip() == "<>"
