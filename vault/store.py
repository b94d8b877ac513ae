"""The vault's public face. Everything here is synchronous and safe to call from several threads.

Every method raises ``pipeline.errors.Unavailable`` while the database is away; nothing of the call has happened then.
Async callers use ``asyncio.to_thread``. Times are UTC; naive ones raise ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy.exc import DatabaseError

from pipeline.clock import Clock
from pipeline.sealing import RecordKey
from pipeline.settings import CoreSettings
from schemas.item import Author

from . import capability
from .accounts import Accounts
from .audit import Audit
from .blobs import Blobs
from .cursors import CursorTable
from .engine import Database
from .erasure import Erasure
from .errors import UnknownTicket, VaultError
from .keyring import Keyring
from .keys import RecordKeys
from .media_jobs import MediaJobs
from .migrate import migrate
from .model import (
    Account,
    AuditEntry,
    Capability,
    Contact,
    Known,
    MediaJob,
    MediaVariant,
    Original,
    Registered,
    Registration,
    ReplyMemory,
    Role,
    Scope,
    Ticket,
)
from .opening import check_keys, private_folder
from .originals import Originals
from .outbox import Outbox
from .people import People
from .register import Register
from .tokens import Tokens


class Vault:
    """What is secret or must be erasable. Get one with :meth:`open`."""

    def __init__(self, database: Database, keyring: Keyring, blob_folder: Path, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._keys = RecordKeys(database, keyring)
        self._audit = Audit(database, keyring, clock)
        self._people = People(database, keyring)
        self._tokens = Tokens(database, keyring)
        self._blobs = Blobs(database, keyring, self._keys, blob_folder, clock)
        self._erasure = Erasure(database, keyring, self._blobs, self._audit, clock)
        self._register = Register(
            database, keyring, keys=self._keys, people=self._people, tokens=self._tokens, erasure=self._erasure
        )
        self._originals = Originals(database, keyring, self._keys, self._people, self._audit)
        self._accounts = Accounts(database, keyring, clock)
        self._cursors = CursorTable(database, keyring.tenant, clock)
        self._outbox = Outbox(database, keyring, clock)
        self._media = MediaJobs(database, keyring, clock)
        self._clock = clock

    @classmethod
    def open(cls, settings: CoreSettings, clock: Clock) -> Vault:
        """Connects, migrates, and checks that the keys are those of this vault.

        Several processes may open at once. Raises ``VaultError`` (what to change) or ``Unavailable`` (try again).
        """
        keyring = Keyring(settings)
        blob_folder = settings.data_dir / "blobs"
        for folder in (settings.data_dir, blob_folder):
            private_folder(folder)
        database = Database.open(settings.database.get_secret_value(), settings.data_dir)
        try:
            migrate(database)
            check_keys(database, keyring)
        except DatabaseError as error:
            database.close()
            raise VaultError(
                f"the vault's database cannot be used ({type(error.orig).__name__}): "
                "check TANGGAP_DATABASE, or restore a backup"
            ) from error
        except BaseException:
            database.close()
            raise
        return cls(database, keyring, blob_folder, clock)

    def close(self) -> None:
        """Closes all connections."""
        self._database.close()

    # Record keys

    def lease_keys(self, count: int) -> list[RecordKey]:
        """``count`` new one-time keys, committed before they are returned."""
        return self._keys.lease(count)

    def return_keys(self, ids: Collection[str]) -> None:
        """Forgets leased keys that were never used."""
        self._keys.give_back(ids)

    def find_keys(self, ids: Collection[str]) -> dict[str, bytes]:
        """Secrets by id; erased and unknown ids are missing."""
        return self._keys.find(ids)

    # Pseudonyms: pure, no database

    def pseudonym(self, channel: str, account: str, author_id: str) -> str:
        """``p`` and 26 characters: who wrote, within tenant, channel and entrance."""
        return self._keyring.pseudonym(channel, account, author_id)

    def hash_of(self, *parts: str) -> str:
        """Keyed hash of vendor ids, 26 characters; ("a", "bc") and ("ab", "c") differ."""
        return self._keyring.hash_of(*parts)

    def ticket_id(self, channel: str, account: str, root_id: str) -> str:
        """``t`` and 26 characters: the ticket of the vendor's original message (DESIGN, promise 3)."""
        return self._keyring.ticket_id(channel, account, root_id)

    # Register

    def register(self, batch: Sequence[Registration]) -> dict[str, Registered]:
        """Decides the whole batch in one transaction; the decisions by item key.

        A known item key gets its first decision unchanged. ``opened`` makes a ticket with a number of the day of
        ``received_at`` in Jakarta, unless the ticket exists; the other kinds join. Identity, original and vendor
        reference are sealed; ``key_ids`` (record keys and blob names) are linked to the person.
        Raises ``UnknownTicket`` for a joining message without a ticket and ``ErasedPerson`` for an unknown message
        received before its author was erased; both are ``InvalidItem``, and nothing of the batch is written.
        """
        return self._register.register(batch)

    def lookup(self, item_keys: Iterable[str], messages: Iterable[str] = (), numbers: Iterable[str] = ()) -> Known:
        """What the register knows of item keys, message hashes and human numbers, in one transaction."""
        return self._register.lookup(item_keys, messages, numbers)

    def ticket(self, ticket_id: str) -> Ticket | None:
        """The register's row of a ticket."""
        return self._register.ticket(ticket_id)

    def ticket_by_number(self, number: str) -> Ticket | None:
        """The ticket of a human number, within the tenant."""
        return self._register.ticket_by_number(number)

    # People and what they wrote

    def person(self, pseudonym: str) -> Author | None:
        """The identity; None when unknown, never told or erased."""
        return self._people.identity(pseudonym)

    def contact(self, ticket_id: str) -> Contact | None:
        """How to answer: the newest inbound message whose author is known. None after their erasure."""
        return self._originals.contacts([ticket_id]).get(ticket_id)

    def contacts(self, ticket_ids: Sequence[str]) -> dict[str, Contact]:
        """:meth:`contact` of many tickets; those without one are missing."""
        return self._originals.contacts(ticket_ids)

    def originals(self, ticket_id: str, actor: str, reason: str) -> list[Original]:
        """What was written in a ticket, unmasked, oldest first; erased ones are missing.

        The reading is audited in the same transaction. Raises ``ValueError`` without actor or reason.
        """
        return self._originals.read(ticket_id, actor, reason)

    # Tracking tokens

    def token(self, ticket_id: str, scope: Scope) -> str:
        """The tracking token, 24 characters that are safe in an address. Raises ``UnknownTicket``."""
        try:
            return self._tokens.derive([ticket_id], scope)[ticket_id]
        except KeyError:
            raise UnknownTicket(ticket_id) from None

    def tokens(self, ticket_ids: Iterable[str], scope: Scope) -> dict[str, str]:
        """Tokens by ticket id; unknown tickets are missing."""
        return self._tokens.derive(ticket_ids, scope)

    def resolve(self, token: str) -> tuple[str, Scope] | None:
        """Ticket id and scope of a token; None for anything else, at the same work."""
        return self._tokens.resolve(token)

    def rotate_tokens(self, ticket_id: str) -> None:
        """Makes both tokens of a ticket invalid and derives new ones. Raises ``UnknownTicket``."""
        self._tokens.rotate(ticket_id)

    # Blobs

    def put_blob(self, plain: bytes, *, idempotency: str, person: str | None, media_type: str) -> str:
        """Seals ``plain`` into a file of its own; its random name. The same ``idempotency`` gets the same name.

        The name is also the id of the blob's key: it may stand in ``Registration.key_ids``.
        """
        return self._blobs.put(plain, idempotency, person, media_type)

    def get_blob(self, name: str) -> bytes | None:
        """The plain bytes; None for an unknown or erased name. Raises ``InvalidItem`` for a lost file."""
        return self._blobs.get(name)

    def blob_type(self, name: str) -> str | None:
        """The media type given with the blob."""
        return self._blobs.media_type(name)

    # Accounts of officers

    def ensure_account(self, username: str, password: str, name: str, role: Role, unit: str, unit_name: str) -> Account:
        """Creates the account or brings it to these values; a changed password ends its sessions."""
        return self._accounts.ensure(username, password, name, role, unit, unit_name)

    def login(self, username: str, password: str) -> Account | None:
        """The account, or None at the same work for a wrong password and for an unknown name.

        Raises ``Rejected`` (429) after 10 attempts without success within 15 minutes, known name or not.
        """
        return self._accounts.login(username, password)

    def open_session(self, account: Account) -> str:
        """A random token that is valid for 12 hours; only its hash is stored."""
        return self._accounts.open_session(account)

    def session(self, token: str) -> Account | None:
        """The account of a session that is still valid."""
        return self._accounts.session(token)

    def close_session(self, token: str) -> None:
        """Ends a session; harmless for an unknown one."""
        self._accounts.close_session(token)

    # Cursors of pollers

    def get_cursor(self, channel: str, account: str) -> str | None:
        """The last position set, None at first."""
        return self._cursors.get(channel, account)

    def set_cursor(self, channel: str, account: str, value: str) -> None:
        """Moves a position, durably."""
        self._cursors.set(channel, account, value)

    # The responder's memory

    def claim_reply(self, reply_id: str, *, retake_after: timedelta | None = None) -> bool:
        """True when the caller, and nobody else, may send this answer now: it is new, or it waits (``hold_reply``).

        A claim that was never settled (a crash between) is handed out again only after ``retake_after``; the answer
        may then have been sent already, which ``ReplyMemory.attempts`` shows.
        """
        return self._outbox.claim(reply_id, retake_after)

    def settle_reply(
        self,
        reply_id: str,
        state: Literal["sent", "recorded", "failed"],
        provider_id: str | None = None,
        *,
        joins: tuple[str, str] | None = None,
    ) -> None:
        """Records how a claimed answer went. ``joins`` (message hash, ticket id) lets replies to it find the ticket.

        Raises ``ValueError`` for an answer that was never claimed.
        """
        self._outbox.settle(reply_id, state, provider_id, joins)

    def record_replies(self, reply_ids: Collection[str]) -> set[str]:
        """Notes, in one transaction, answers that a channel without credentials only records; also those that wait.

        Returns which are recorded now: one that was sent or refused before stays so, and is not among them.
        """
        return self._outbox.record(reply_ids)

    def hold_reply(self, reply_id: str, payload: bytes, due_at: datetime) -> None:
        """Keeps a claimed answer that could not be sent, to be tried again at ``due_at``; it survives a restart.

        ``payload`` is the caller's record of it: masked, without token. Raises ``ValueError`` if it was never claimed.
        """
        self._outbox.hold(reply_id, payload, due_at)

    def due_replies(self, now: datetime, limit: int = 100) -> list[bytes]:
        """The payloads of waiting answers that are due, the longest due first."""
        return self._outbox.due(now, limit)

    def reply_state(self, reply_id: str) -> ReplyMemory | None:
        """What is remembered of an answer; None when it was never claimed."""
        return self._outbox.state(reply_id)

    # Files of messages that are still to be fetched, and addresses of those that are kept

    def hold_media(self, jobs: Sequence[MediaJob]) -> int:
        """Keeps jobs, due at once; how many of them are new. One that is known, also as settled, stays as it is."""
        return self._media.hold(jobs)

    def claim_media(self, limit: int, lease: timedelta) -> list[MediaJob]:
        """Jobs that are due, the longest due first, for the caller alone until ``lease`` has passed."""
        return self._media.claim(limit, lease)

    def postpone_media(self, job_id: str, due_at: datetime, *, failed: bool) -> None:
        """Makes a job due at ``due_at``; ``failed`` counts an attempt. Harmless for one that is gone."""
        self._media.postpone(job_id, due_at, failed)

    def settle_media(self, job_id: str, state: Literal["kept", "failed"], reason: str | None = None) -> bool:
        """Ends a job and forgets its payload. False when it is gone: its person was erased meanwhile."""
        return self._media.settle(job_id, state, reason)

    def waiting_media(self) -> dict[str, int]:
        """Jobs by channel that were tried in vain and will be tried again."""
        return self._media.waiting()

    def media_path(self, ticket_id: str, blob: str, variant: MediaVariant, expires_at: datetime) -> str:
        """Path of the address that gives the file until ``expires_at``. Raises ``ValueError`` for what is no id."""
        return capability.make(self._keyring, Capability(ticket_id, blob, variant), expires_at)

    def media_right(self, path: str) -> Capability | None:
        """What a path of :meth:`media_path` gives; None for anything else, and after its hour."""
        return capability.read(self._keyring, path, self._clock)

    # Erasure and audit

    def erase_person(
        self, pseudonym: str, *, actor: str = "system", reason: str = "hak penghapusan, UU 27/2022"
    ) -> int:
        """Destroys identity, originals, references, blobs and the record keys that are this person's alone.

        Tickets and numbers stay. Returns how many keys were destroyed. Keys that also seal other people's words
        (:meth:`shared_keys`) stay until those records are rewritten and the keys given to :meth:`destroy_keys`.
        """
        return self._erasure.erase(pseudonym, actor, reason)

    def shared_keys(self, pseudonym: str) -> list[str]:
        """Record keys linked to this person and to others: batches to be rewritten without this person."""
        return self._erasure.shared(pseudonym)

    def destroy_keys(self, ids: Collection[str], *, actor: str, reason: str) -> int:
        """Destroys record keys for everybody, audited one by one; how many there were."""
        return self._erasure.destroy(ids, actor, reason)

    def is_erased(self, pseudonym: str, at: datetime | None = None) -> bool:
        """Whether the person was erased; with ``at``, whether a message received then is from before the erasure.

        Somebody who writes again later starts anew and is not refused.
        """
        return self._erasure.is_erased(pseudonym, at)

    def audit(self, actor: str, action: str, subject: str, reason: str) -> None:
        """Adds a line; ``actor`` and ``subject`` are ids or pseudonyms. Raises ``ValueError`` when one is empty."""
        self._audit.add(actor, action, subject, reason)

    def audit_trail(self, subject: str) -> list[AuditEntry]:
        """All lines about ``subject``, oldest first."""
        return self._audit.trail(subject)

    def __repr__(self) -> str:
        return f"Vault({self._keyring.tenant}, {self._database!r})"
