"""Why a mail is not a new complaint: every code this channel gives, with its meaning (source of docs/reasons.md)."""

from __future__ import annotations

from typing import Final

THREAD: Final = "email.thread"
AUTO_REPLY: Final = "email.auto-reply"
BOUNCE: Final = "email.bounce"
LIST: Final = "email.list"
OWN: Final = "email.own"
UNREADABLE: Final = "email.unreadable"
EMPTY: Final = "email.empty"
TOO_DEEP: Final = "email.too-deep"
TOO_MANY_PARTS: Final = "email.too-many-parts"
HEADER_TOO_BIG: Final = "email.header-too-big"
TOO_BIG: Final = "email.too-big"
UNDELIVERABLE: Final = "email.undeliverable"
NO_ADDRESS: Final = "email.no-address"
HEADER_INJECTION: Final = "email.header-injection"

REASONS: Final[dict[str, str]] = {
    THREAD: "The mail answers another one (In-Reply-To, References) or names one of our ticket numbers.",
    AUTO_REPLY: "Written by a machine: Auto-Submitted, X-Autoreply, Precedence auto_reply, or a vacation subject.",
    BOUNCE: "A delivery report: multipart/report, a null return path, or sent by MAILER-DAEMON.",
    LIST: "From a mailing list or bulk sender: List-Id of somebody else, Precedence bulk, list or junk.",
    OWN: "Our own mail came back: From is one of our addresses, or it carries X-Tanggap-Loop.",
    UNREADABLE: "The bytes hold no header field, so they are not a mail.",
    EMPTY: "The mail has neither subject nor text nor attachment.",
    TOO_DEEP: "Parts are nested deeper than 20 levels, or so that reading would cost many times the mail's size.",
    TOO_MANY_PARTS: "The mail has more than 200 parts.",
    HEADER_TOO_BIG: "A header block over 64 KB, a needed header over 8 KB, or over 512 KB of headers in all parts.",
    TOO_BIG: "A message in the mailbox over the size limit: only its headers were fetched.",
    UNDELIVERABLE: "The mail server refused our answer for good (5xx for this recipient or this message).",
    NO_ADDRESS: "The citizen's mail had no usable address, or one of our own, so no answer can be sent.",
    HEADER_INJECTION: "A header value of our answer would have held a line break or control character.",
}
