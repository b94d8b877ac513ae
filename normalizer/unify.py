"""Items to tickets: decides what opens and what joins, numbers it once, reads it, and sends it on masked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog

from pipeline.errors import InvalidItem
from pipeline.metrics import UNIFIED
from pipeline.sealing import Keys
from pipeline.stage import Message, Outbox, State
from schemas.base import decode, encode
from schemas.ids import derived_id
from schemas.item import Item, ItemEvent, Outcome
from schemas.ticket import AttachmentRef, Reading, Sighting, TicketEvent
from schemas.topics import ITEMS, SIGHTINGS, TICKETS
from vault.errors import ErasedPerson
from vault.model import Known, Original, Registered, Registration, TicketKind

from .joining import Conversation, Joined, JoinRules, joins_window, quoted_numbers
from .reader import Reader
from .unseal import open_batch
from .vault_port import NormalizerVault

log = structlog.get_logger(__name__)

PAST = timedelta(days=7)
FUTURE = timedelta(minutes=5)
"""A sender's clock is trusted only inside [received - 7 days, received + 5 minutes]."""
NO_TICKET = frozenset({"chatter", "praise", "spam", "empty"})
ERASED_MEMORY = 50
DELETED_NOTE = "(pesan dihapus oleh pengirimnya)"


@dataclass(frozen=True)
class Work:
    """One item of the batch with what the register is asked about it."""

    message: Message
    key_id: str
    event: ItemEvent
    item: Item
    outcome: Outcome
    author: str
    at: datetime
    item_key: str
    message_hash: str
    root_hash: str
    reply_hash: str | None
    numbers: list[str]


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
        works = [
            self._work(opened.message, opened.key_id, opened.plain)
            for opened in await open_batch(messages, self._keys, out)
        ]
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

    def _work(self, message: Message, key_id: str, plain: bytes) -> Work:
        event = decode(plain, ItemEvent)
        item = event.decoded.item
        if item is None:
            raise InvalidItem("normalizer.item-missing")
        vault = self._vault

        def message_hash(external_id: str) -> str:
            return vault.hash_of("message", item.channel, item.account, external_id)

        return Work(
            message=message,
            key_id=key_id,
            event=event,
            item=item,
            outcome=event.decoded.outcome,
            author=vault.pseudonym(item.channel, item.account, item.author.id),
            at=trusted(item.sent_at, event.received_at),
            item_key=vault.hash_of(event.decoded.key),
            message_hash=message_hash(item.external_id),
            root_hash=message_hash(item.root or item.external_id),
            reply_hash=message_hash(item.reply_to) if item.reply_to else None,
            numbers=quoted_numbers(item),
        )

    def _lookup(self, works: Sequence[Work]) -> Known:
        hashes = {work.root_hash for work in works} | {work.message_hash for work in works}
        hashes |= {work.reply_hash for work in works if work.reply_hash}
        numbers = {number for work in works for number in work.numbers}
        return self._vault.lookup({work.item_key for work in works}, hashes, numbers)

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


class Planned:
    """The decisions of one batch, each seeing those before it."""

    def __init__(self, vault: NormalizerVault, rules: JoinRules, known: Known, state: State) -> None:
        self._vault = vault
        self._rules = rules
        self._known = known
        self._messages = dict(known.messages)
        self._decided: dict[str, tuple[TicketKind, str]] = {
            key: (found.kind, found.ticket_id) for key, found in known.items.items()
        }
        self._state = state

    def decide(self, work: Work, reading: Reading) -> Registration | None:
        """None when the item makes no ticket. A known item gets a registration too: the register repeats its answer."""
        conversation = self._conversation(work.author)
        already = self._decided.get(work.item_key)
        if already is not None:
            kind, ticket_id = already
            if work.outcome != "delete" and (conversation is None or conversation.last_at < work.at):
                # The register was written, and the process died before the table was.
                self._remember(work, ticket_id, conversation)
            return self._registration(work, kind, ticket_id)
        registration = self._decide(work, reading, conversation)
        if registration is not None:
            self._decided[work.item_key] = (registration.kind, registration.ticket_id)
        return registration

    def _decide(self, work: Work, reading: Reading, conversation: Conversation | None) -> Registration | None:
        if work.outcome == "delete":
            return self._withdraw(work, conversation)
        kind: TicketKind
        ticket_id = self._messages.get(work.root_hash)
        if ticket_id is not None:
            kind = "amended" if self._opened_by(work.item, ticket_id) else "followup"
        else:
            joined = self._joined(work, conversation)
            if joined is None and not makes_ticket(work.item, reading):
                return None
            if joined is not None and self.was_withdrawn(work):
                # Deleted before we had it: it adds nothing to the ticket that it would have joined.
                return None
            kind = "followup" if joined else "opened"
            ticket_id = joined.ticket_id if joined else self._new_id(work.item)
        self._remember(work, ticket_id, conversation)
        return self._registration(work, kind, ticket_id)

    def was_withdrawn(self, work: Work) -> bool:
        """The citizen deleted the message before we had it."""
        conversation = self._conversation(work.author)
        return conversation is not None and work.root_hash in conversation.withdrawn

    def _joined(self, work: Work, conversation: Conversation | None) -> Joined | None:
        if work.reply_hash and work.reply_hash in self._messages:
            return Joined(self._messages[work.reply_hash], "thread")
        for number in work.numbers:
            ticket_id = self._known.numbers.get(number)
            if ticket_id and (work.item.ticket_number or (conversation and conversation.ticket_id == ticket_id)):
                return Joined(ticket_id, "number")
        return joins_window(self._rules, work.item, work.at, conversation)

    def _withdraw(self, work: Work, conversation: Conversation | None) -> Registration | None:
        if self.was_withdrawn(work):
            return None
        ticket_id = self._messages.get(work.root_hash)
        if ticket_id is not None:
            kind: TicketKind = "withdrawn" if self._opened_by(work.item, ticket_id) else "followup"
            return self._registration(work, kind, ticket_id)
        marks = (conversation.withdrawn if conversation else ()) + (work.root_hash,)
        placeholder = conversation or Conversation(ticket_id="", last_at=work.at)
        self._save(work.author, msgspec.structs.replace(placeholder, withdrawn=marks[-ERASED_MEMORY:]))
        return None

    def _remember(self, work: Work, ticket_id: str, before: Conversation | None) -> None:
        self._messages[work.message_hash] = ticket_id
        self._messages[work.root_hash] = ticket_id
        marks = before.withdrawn if before else ()
        self._save(work.author, Conversation(ticket_id=ticket_id, last_at=work.at, withdrawn=marks))

    def _conversation(self, author: str) -> Conversation | None:
        stored = self._state.get(author)
        return decode(stored, Conversation) if stored else None

    def _save(self, author: str, conversation: Conversation) -> None:
        self._state.put(author, encode(conversation))

    def _opened_by(self, item: Item, ticket_id: str) -> bool:
        """Editing or deleting a later message of a ticket does not change the complaint itself."""
        return self._new_id(item) == ticket_id

    def _new_id(self, item: Item) -> str:
        return self._vault.ticket_id(item.channel, item.account, item.root or item.external_id)

    @staticmethod
    def _registration(work: Work, kind: TicketKind, ticket_id: str) -> Registration:
        item = work.item
        return Registration(
            item_key=work.item_key,
            ticket_id=ticket_id,
            kind=kind,
            channel=item.channel,
            account=item.account,
            received_at=work.event.received_at,
            message=work.message_hash,
            root=work.root_hash,
            person=work.author,
            identity=item.author,
            key_ids=tuple(key for key in (work.event.raw_key, work.key_id, work.event.raw_blob) if key),
            original=Original(
                subject=item.subject,
                text=item.text,
                location=item.location.text,
                files=tuple(found.name for found in item.attachments if found.name),
            ),
            external_id=item.external_id,
            thread=item.thread,
        )


def makes_ticket(item: Item, reading: Reading) -> bool:
    """Whether an item that joins nothing opens a ticket: any problem, and whatever comes with a photo or a place."""
    if reading.intent.value in {"empty", "chatter"} and (item.attachments or item.location.lat is not None):
        return True
    return reading.intent.value not in NO_TICKET


def trusted(sent_at: datetime, received_at: datetime) -> datetime:
    """When it was sent, or when it came if the sender's clock cannot be right."""
    if received_at - PAST <= sent_at <= received_at + FUTURE:
        return sent_at
    return received_at


def names_of(item: Item) -> list[str]:
    """The author's names, to be masked wherever they stand in the text."""
    return [name for name in (item.author.name, item.author.handle) if name]


def ticket_event(work: Work, reading: Reading, registered: Registered, subject: str | None) -> TicketEvent:
    """The masked event of one item. Its id derives from ticket, kind and item: a duplicate carries the same."""
    item = work.item
    gone = work.outcome == "delete"
    return TicketEvent(
        id=derived_id(registered.ticket_id, registered.kind, registered.item_key),
        tenant=work.event.tenant,
        at=work.at,
        kind=registered.kind,
        ticket_id=registered.ticket_id,
        number=registered.number,
        channel=item.channel,
        account=item.account,
        received_at=work.event.received_at,
        author=work.author,
        public=item.public,
        subject=None if gone else subject,
        text=DELETED_NOTE if work.outcome == "delete" else reading.masked_text,
        reading=None if gone else reading,
        attachments=tuple(
            AttachmentRef(media_type=found.media_type, size=found.size, blob=found.blob) for found in item.attachments
        ),
        version=item.version,
    )


def sighting(event: TicketEvent, reading: Reading) -> Sighting:
    """What joining into incidents needs of a new ticket."""
    return Sighting(
        id=derived_id(event.id, "sighting"),
        tenant=event.tenant,
        at=event.at,
        ticket_id=event.ticket_id,
        category=reading.category.value,
        kelurahan_code=reading.place.kelurahan_code,
        lat=reading.place.lat,
        lon=reading.place.lon,
    )
