"""Items to tickets: decides what opens and what joins, numbers it once, reads it, and sends it on masked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from pipeline.errors import InvalidItem
from pipeline.files import file_id
from pipeline.metrics import UNIFIED
from pipeline.sealing import Keys
from pipeline.stage import Message, Outbox, State
from schemas.base import decode
from schemas.ids import derived_id
from schemas.item import ItemEvent
from schemas.ticket import Reading
from schemas.topics import ITEMS, SIGHTINGS, TICKETS
from vault.errors import ErasedPerson
from vault.model import Known, Registered, Registration

from .joining import JoinRules, quoted_numbers
from .planning import Planned
from .reader import Reader
from .receipts import Undelivered, failed_delivery, tell
from .unseal import open_batch
from .vault_port import NormalizerVault
from .work import Work, names_of, sighting, ticket_event, trusted

log = structlog.get_logger(__name__)


class UnifyStage:
    """Implements ``pipeline.stage.Stage``; its table holds the last conversation of each author."""

    name = "unify"
    inputs = (ITEMS,)
    table = "conversations"

    def __init__(self, reader: Reader, rules: JoinRules, keys: Keys, vault: NormalizerVault) -> None:
        self._reader = reader
        self._rules = rules
        self._keys = keys
        self._vault = vault

    async def process(self, messages: Sequence[Message], state: State, out: Outbox) -> None:
        """See ``pipeline.stage.Stage``."""
        works: list[Work] = []
        undelivered: list[Undelivered] = []
        for opened in await open_batch(messages, self._keys, out):
            event = decode(opened.plain, ItemEvent)
            delivery = failed_delivery(event.decoded)
            if delivery is not None:
                undelivered.append(Undelivered(event, delivery))
            else:
                works.append(self._work(opened.message, opened.key_id, event))
        await tell(undelivered, self._vault, out)
        if not works:
            return
        known = await asyncio.to_thread(self._lookup, works)
        readings: dict[str, Reading] = {}
        batch: list[Registration] = []
        planned = Planned(self._vault, self._rules, known, state)
        for work in works:
            reading = self._read(work)
            readings[work.item_key] = reading
            registration = planned.decide(work, reading)
            if registration is None:
                UNIFIED.labels(work.item.channel, reading.intent.value).inc()
            else:
                batch.append(registration)
        try:
            decided = await asyncio.to_thread(self._vault.register, batch)
        except ErasedPerson:
            if len(works) > 1:
                raise
            # A redelivery of somebody who was erased: there is nothing to keep, not even as a dead letter.
            UNIFIED.labels(works[0].item.channel, "erased").inc()
            return
        for work in works:
            registered = decided.get(work.item_key)
            if registered is not None:
                UNIFIED.labels(work.item.channel, registered.kind).inc()
                self._emit(work, readings[work.item_key], registered, planned, out)

    def _work(self, message: Message, key_id: str, event: ItemEvent) -> Work:
        item = event.decoded.item
        if item is None:
            raise InvalidItem("normalizer.item-missing")
        vault = self._vault

        def message_hash(external_id: str) -> str:
            return vault.hash_of("message", item.channel, item.account, external_id)

        item_key = vault.hash_of(event.decoded.key)
        return Work(
            message=message,
            key_id=key_id,
            event=event,
            item=item,
            outcome=event.decoded.outcome,
            author=vault.pseudonym(item.channel, item.account, item.author.id),
            at=trusted(item.sent_at, event.received_at),
            item_key=item_key,
            message_hash=message_hash(item.external_id),
            root_hash=message_hash(item.root or item.external_id),
            reply_hash=message_hash(item.reply_to) if item.reply_to else None,
            root_key=vault.hash_of(f"{item.channel}:{item.account}:{item.root or item.external_id}"),
            numbers=quoted_numbers(item),
            file_ids=tuple(
                file_id(vault.hash_of, item_key, found.reference) if found.reference else None
                for found in item.attachments
            ),
        )

    def _lookup(self, works: Sequence[Work]) -> Known:
        hashes = {work.root_hash for work in works} | {work.message_hash for work in works}
        hashes |= {work.reply_hash for work in works if work.reply_hash}
        numbers = {number for work in works for number in work.numbers}
        keys = {work.item_key for work in works} | {work.root_key for work in works if work.outcome == "delete"}
        return self._vault.lookup(keys, hashes, numbers)

    def _read(self, work: Work) -> Reading:
        item = work.item
        return self._reader.read(
            item.text if not item.location.text else f"{item.text}\n{item.location.text}",
            subject=item.subject,
            channel=item.channel,
            lat=item.location.lat,
            lon=item.location.lon,
            category=item.category,
            names=names_of(item),
        )

    def _emit(self, work: Work, reading: Reading, registered: Registered, planned: Planned, out: Outbox) -> None:
        item = work.item
        subject = self._reader.mask(item.subject, names_of(item)) if item.subject else None
        event = ticket_event(work, reading, registered, subject)
        out.send(TICKETS, event.ticket_id, event)
        if registered.kind != "opened":
            return
        out.send(SIGHTINGS, event.tenant, sighting(event, reading))
        if planned.was_withdrawn(work):
            gone = msgspec.structs.replace(
                event, id=derived_id(event.id, "withdrawn"), kind="withdrawn", text="", subject=None, reading=None
            )
            out.send(TICKETS, gone.ticket_id, gone)
