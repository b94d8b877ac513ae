"""The counter's entrance: the portal hands over a submitted form. No mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from pipeline.channel import Intake, Raw
from pipeline.errors import Rejected
from schemas.base import encode

from .decode import CHANNEL, key_of
from .payload import OLDEST, SKEW, CounterForm

_FIELD = re.compile(r"`\$\.([a-z_]+)|field `([a-z_]+)`")
"""Where msgspec's message names the field that does not fit."""


def form_from(fields: Mapping[str, str | None], entered_at: datetime) -> CounterForm:
    """A form out of text fields named as in :class:`CounterForm`; a missing ``entered_at`` is the argument.

    Raises ``Rejected`` 400 ``counter.form``; its detail names the field and never quotes what was typed.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return msgspec.convert({"entered_at": entered_at, **given}, CounterForm, strict=False)
    except msgspec.ValidationError as error:
        found = _FIELD.search(str(error))
        name = (found[1] or found[2]) if found else "form"
        raise Rejected(
            400, "counter.form", f"{name} is missing or not as CounterForm describes it: correct it"
        ) from None


async def submit(form: CounterForm, intake: Intake, received_at: datetime) -> str:
    """Makes a form durable and returns its idempotency key, by which the ticket is found.

    ``received_at`` is now. Raises ``Rejected`` 400 ``counter.date`` for a receipt in the future or over a year ago, and
    ``Unavailable`` when the form cannot be kept now: it may be sent again with the same ``form_id``.
    """
    if not received_at - OLDEST <= form.received_at <= received_at + SKEW:
        raise Rejected(
            400, "counter.date", "received_at must lie in the last 366 days and not in the future: correct it"
        )
    raw = Raw(CHANNEL, form.desk, encode(form), "application/json", received_at, {"source": "form"})
    await intake.accept(raw)
    return key_of(form)
