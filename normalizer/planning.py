"""Which ticket an item opens or joins: the decisions of one batch."""

from __future__ import annotations

import msgspec

from pipeline.stage import State
from schemas.base import decode, encode
from schemas.item import Item
from schemas.ticket import Reading
from vault.model import Known, Original, Registration, TicketKind

from .joining import Conversation, Joined, JoinRules, joins_window
from .vault_port import NormalizerVault
from .work import Work

NO_TICKET = frozenset({"chatter", "praise", "spam", "empty"})
ERASED_MEMORY = 50


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
            amends = self._opened_by(work.item, ticket_id) and not is_sibling(work)
            kind = "amended" if amends else "followup"
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
            kind: TicketKind = "withdrawn" if self._is_complaint(work, ticket_id) else "followup"
            return self._registration(work, kind, ticket_id)
        marks = (conversation.withdrawn if conversation else ()) + (work.root_hash,)
        placeholder = conversation or Conversation(ticket_id="", last_at=work.at)
        self._save(work.author, msgspec.structs.replace(placeholder, withdrawn=marks[-ERASED_MEMORY:]))
        return None

    def _is_complaint(self, work: Work, ticket_id: str) -> bool:
        """Whether what is deleted opened the ticket, or is a version of what did: X may name the newest version."""
        kind, _ = self._decided.get(work.root_key, (None, ""))
        return kind in {"opened", "amended"} or self._opened_by(work.item, ticket_id)

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


def is_sibling(work: Work) -> bool:
    """One of several messages of the same root, as the pictures of an album are: it adds, and replaces nothing."""
    return work.outcome not in {"edit", "delete"} and work.root_hash != work.message_hash


def makes_ticket(item: Item, reading: Reading) -> bool:
    """Whether an item that joins nothing opens a ticket: any problem, and whatever comes with a photo or a place."""
    if reading.intent.value in {"empty", "chatter"} and (item.attachments or item.location.lat is not None):
        return True
    return reading.intent.value not in NO_TICKET
