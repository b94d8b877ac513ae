"""An answer that never arrived shows on its ticket: receipts through both stages, over one vault."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import pytest
from prometheus_client import REGISTRY

from normalizer.decode_stage import DecodeStage
from pipeline import headers
from pipeline.channel import Part, Raw
from pipeline.sealing import seal
from pipeline.stage import Message
from schemas.base import decode
from schemas.case import Command
from schemas.item import Decoded, Delivery, ItemEvent
from schemas.topics import COMMANDS, ITEMS, raw_topic
from tests.normalizer.desk import BUDI, NOON, Desk, Tray, said

State = Literal["sent", "delivered", "read", "failed"]
PROVIDER = "wamid.with-a-number-in-it"


def receipt(state: State, *, message: str = PROVIDER, code: str | None = None) -> Decoded:
    delivery = Delivery(channel="whatsapp", account="1", message=message, state=state, code=code)
    return Decoded(outcome="receipt", key=f"whatsapp:1:{message}:{state}", reason="whatsapp.status", delivery=delivery)


class Line:
    """The decode stage with a decoder of the test, and the unify stage behind it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.found: list[Decoded] = []

        def decoder(raw: Raw) -> Iterable[Part]:
            return [Part(one) for one in self.found]

        self.decode = DecodeStage({"whatsapp": decoder}, desk.keys, desk.vault, "jakarta")

    async def decoded(self, *found: Decoded, received: datetime = NOON) -> Tray:
        self.found = list(found)
        key, topic = self.desk.keys.take(), raw_topic("whatsapp").name
        meta = {
            headers.KEY_ID: key.id, headers.CHANNEL: "whatsapp", headers.ACCOUNT: "1",
            headers.CONTENT_TYPE: "application/json", headers.RECEIVED: received.isoformat(),
        }  # fmt: skip
        tray = Tray({})
        await self.decode.process([Message(topic, 0, 1, "jakarta:1", seal(key.secret, b"{}", topic), meta)], tray, tray)
        return tray

    async def unified(self, before: Tray) -> Tray:
        """The items of ``before`` in one batch, as the broker would hand them on."""
        messages = []
        for offset, (_, key, plain, extra) in enumerate(before.sealed):
            own = self.desk.keys.take()
            value = seal(own.secret, plain, ITEMS.name)
            messages.append(Message(ITEMS.name, 0, offset, key, value, {**extra, headers.KEY_ID: own.id}))
        return await self.desk.process(messages)

    async def through(self, *found: Decoded, received: datetime = NOON) -> Tray:
        return await self.unified(await self.decoded(*found, received=received))


def commands(tray: Tray) -> list[Command]:
    assert all(topic == COMMANDS for topic, _, record in tray.sent if isinstance(record, Command))
    return [record for _, _, record in tray.sent if isinstance(record, Command)]


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("tanggap_unified_total", {"channel": "whatsapp", "kind": kind}) or 0.0


async def answered(desk: Desk, provider: str = PROVIDER) -> str:
    """A ticket whose answer the vendor took under ``provider``, as the responder settles it."""
    (ticket,) = await desk.take(said("m1"))
    assert desk.vault.claim_reply("r1")
    joins = (desk.vault.hash_of("message", "whatsapp", "1", provider), ticket.ticket_id)
    desk.vault.settle_reply("r1", "sent", provider, joins=joins)
    return ticket.ticket_id


async def test_failed_answer_is_noted_on_its_ticket(desk: Desk) -> None:
    ticket_id = await answered(desk)
    (note,) = commands(await Line(desk).through(receipt("failed", code="131026")))
    assert (note.kind, note.ticket_id, note.actor.role) == ("note", ticket_id, "system")
    assert note.text == "Jawaban lewat WhatsApp tidak sampai ke pelapor (kode 131026)."


async def test_without_a_code_the_note_names_none(desk: Desk) -> None:
    await answered(desk)
    (note,) = commands(await Line(desk).through(receipt("failed")))
    assert note.text == "Jawaban lewat WhatsApp tidak sampai ke pelapor."


async def test_redelivery_days_later_is_the_same_command(desk: Desk) -> None:
    await answered(desk)
    line = Line(desk)
    (first,) = commands(await line.through(receipt("failed", code="131026")))
    later = datetime.fromisoformat("2026-11-30T05:00:00+00:00")
    (again,) = commands(await line.through(receipt("failed", code="131026"), received=later))
    assert again.id == first.id


@pytest.mark.parametrize("order", list(itertools.permutations(("sent", "delivered", "failed"))))
async def test_order_of_receipts_decides_nothing(desk: Desk, order: Sequence[State]) -> None:
    await answered(desk)
    assert len(commands(await Line(desk).through(*(receipt(state, code="1") for state in order)))) == 1


@pytest.mark.parametrize("state", ["sent", "delivered", "read"])
async def test_other_receipts_go_no_further(desk: Desk, state: State) -> None:
    await answered(desk)
    assert (await Line(desk).decoded(receipt(state))).sealed == []


async def test_receipt_without_a_delivery_goes_no_further(desk: Desk) -> None:
    bare = Decoded(outcome="receipt", key="papan:1:1:x", reason="papan.status")
    tray = await Line(desk).decoded(bare)
    assert (tray.sealed, tray.buried) == ([], [])


async def test_failed_answer_that_nobody_knows_is_left(desk: Desk) -> None:
    await answered(desk)
    before = counted("undelivered-unknown")
    tray = await Line(desk).through(receipt("failed", message="wamid.of-another-system"))
    assert (tray.sent, tray.buried, counted("undelivered-unknown")) == ([], [], before + 1)


async def test_vendor_s_id_stays_behind(desk: Desk) -> None:
    """A wamid holds the person's number, and no erasure would find it on this record."""
    ((topic, key, plain, meta),) = (await Line(desk).decoded(receipt("failed"))).sealed
    event = decode(plain, ItemEvent)
    assert topic == ITEMS
    assert PROVIDER.encode() not in plain
    assert not any(PROVIDER in value for value in (key, *meta.values()))
    assert event.decoded.delivery is not None
    assert key == event.decoded.delivery.message == desk.vault.hash_of("message", "whatsapp", "1", PROVIDER)


async def test_receipt_beside_a_complaint_harms_neither(desk: Desk) -> None:
    ticket_id = await answered(desk)
    tray = await Line(desk).through(
        receipt("failed"), said("m9", author=BUDI), receipt("failed", message="wamid.other")
    )
    assert [one.kind for one in tray.tickets] == ["opened"]
    assert [one.ticket_id for one in commands(tray)] == [ticket_id]
