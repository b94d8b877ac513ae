"""A citizen's mail program: mails as they arrive at the city's address (RFC 5322)."""

from __future__ import annotations

import secrets
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from ingestors.vendor import Person, Photo, Vendor, sent_now

from .settings import EmailSettings


def message(
    settings: EmailSettings, person: Person, words: str, *, photo: Photo | None = None, after: bytes | None = None
) -> bytes:
    """See ``ingestors.vendor.Compose``; the first line of ``words`` is the subject too."""
    subject = words.strip().splitlines()[0][:100]
    made = mail(settings, person, subject, words)
    if after is not None:
        earlier = message_from_bytes(after)
        del made["Subject"]
        made["Subject"] = f"Re: {earlier['Subject']}"
        made["In-Reply-To"] = made["References"] = earlier["Message-ID"]
    if photo is not None:
        made.add_attachment(photo.data, maintype="image", subtype="png", filename=photo.name)
    return made.as_bytes(policy=SMTP)


def mail(settings: EmailSettings, person: Person, subject: str, words: str) -> EmailMessage:
    """A mail to the city's address."""
    made = EmailMessage()
    made["From"] = f"{person.name} <{person.email}>"
    made["To"] = settings.address
    made["Subject"] = subject
    made["Date"] = format_datetime(sent_now())
    made["Message-ID"] = f"<{secrets.token_hex(12)}@surel.contoh.id>"
    made.set_content(words)
    return made


VENDOR = Vendor(
    account=lambda settings: str(settings.address),
    content_type="message/rfc822",
    message=message,
)
