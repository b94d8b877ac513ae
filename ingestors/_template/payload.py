"""The vendor's wire format. Name the document and section that it comes from; what may be left out is optional."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

Id = Annotated[str, msgspec.Meta(pattern=r"\A[!-~]{1,200}\Z")]


class Sender(msgspec.Struct):
    id: Id
    name: str | None = None


class Picture(msgspec.Struct):
    url: str


class Message(msgspec.Struct):
    """``sent_at`` with its offset: a time without one says nothing."""

    id: Id
    sender: Sender
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)]
    text: Annotated[str, msgspec.Meta(max_length=65_536)] = ""
    answers: Id | None = None
    picture: Picture | None = None
