"""What a counter sends: one form for one complaint. The wire format is ours, and may only grow."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec

from schemas.base import Instant

OLDEST = timedelta(days=366)
"""How far back a paper's receipt may be dated."""
SKEW = timedelta(minutes=5)
"""How far ahead of ours a desk's clock may run."""

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Long = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Code = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9:._-]{0,63}\Z")]


class CounterForm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A form filled in by an officer for a citizen who stands before them, or from a paper.

    ``form_id`` comes with the form (a UUID or another unique id): a form that is sent twice is one complaint. Three
    complaints of one visit are three forms. ``received_at`` is when the city got the paper (the clocks count from
    there), ``entered_at`` when it was typed. ``officer`` is the account that typed, never the complainant.
    """

    form_id: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9-]{16,64}\Z")]
    desk: Code
    officer: Code
    text: Annotated[str, msgspec.Meta(max_length=5000, pattern=r"\S")]
    received_at: Instant
    entered_at: Instant
    name: Short | None = None
    phone: Annotated[str, msgspec.Meta(max_length=32, pattern=r"(?:[0-9][^0-9]*){6}")] | None = None
    email: Annotated[str, msgspec.Meta(max_length=254, pattern=r"\A[^@\s]+@[^@\s]+\Z")] | None = None
    address: Long | None = None
    """Where the complainant lives: kept in the sealed raw record only."""
    subject: Short | None = None
    category: Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9-]{1,64}\Z")] | None = None
    location_text: Long | None = None
    kelurahan: Short | None = None
    """Name of the kelurahan, as the officer typed or chose it."""
    kelurahan_code: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}\Z")] | None = None
    """Kemendagri code, where the desk chose from the list."""
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    confidential: bool = False
    """The complainant asks that nobody but the handling unit learns of it: kept in the sealed raw record."""
