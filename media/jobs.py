"""What has to be done for the files of one message: the job that the vault keeps, and how it is made of an item."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from pipeline.channel import MediaSource
from pipeline.files import file_id
from schemas.base import Instant, Part, encode
from schemas.item import Attachment, ItemEvent
from vault.model import Capability, Known, MediaJob

UNKNOWN_LIFETIME = timedelta(days=7)
"""How long a file waits whose channel has no credentials to fetch it with."""


class MediaVault(Protocol):
    """Part of ``vault.store.Vault``; its calls block and may raise ``Unavailable``."""

    def pseudonym(self, channel: str, account: str, author_id: str) -> str: ...

    def hash_of(self, *parts: str) -> str: ...

    def lookup(self, item_keys: Sequence[str]) -> Known: ...

    def get_blob(self, name: str) -> bytes | None: ...

    def put_blob(self, plain: bytes, *, idempotency: str, person: str | None, media_type: str) -> str: ...

    def blob_type(self, name: str) -> str | None: ...

    def destroy_keys(self, ids: Sequence[str], *, actor: str, reason: str) -> int: ...

    def hold_media(self, jobs: Sequence[MediaJob]) -> int: ...

    def claim_media(self, limit: int, lease: timedelta) -> list[MediaJob]: ...

    def postpone_media(self, job_id: str, due_at: datetime, *, failed: bool) -> None: ...

    def settle_media(self, job_id: str, state: Literal["kept", "failed"], reason: str | None = None) -> bool: ...

    def waiting_media(self) -> dict[str, int]: ...

    def media_right(self, path: str) -> Capability | None: ...


class Task(Part, frozen=True, kw_only=True):
    """The sealed payload of a job."""

    tenant: str
    channel: str
    account: str
    received_at: Instant
    found: Attachment


def jobs_of(
    event: ItemEvent,
    sources: Mapping[str, MediaSource | None],
    pseudonym: Callable[[str, str, str], str],
    hash_of: Callable[..., str],
) -> list[MediaJob]:
    """One job for each file that is known by a reference, whether it is to be fetched or was in the raw record.

    A deletion has none. The same item gives the same job ids.
    """
    item = event.decoded.item
    if item is None or event.decoded.outcome == "delete":
        return []
    source = sources.get(item.channel)
    lifetime = source.lifetime if source is not None else UNKNOWN_LIFETIME
    item_key = hash_of(event.decoded.key)
    author = pseudonym(item.channel, item.account, item.author.id)
    jobs: dict[str, MediaJob] = {}
    for found in item.attachments:
        if not found.reference:
            continue
        task = Task(
            tenant=event.tenant,
            channel=item.channel,
            account=item.account,
            received_at=event.received_at,
            found=found,
        )
        job = MediaJob(
            job_id=file_id(hash_of, item_key, found.reference),
            item_key=item_key,
            person=author,
            channel=item.channel,
            deadline=event.received_at + lifetime,
            payload=encode(task),
        )
        jobs.setdefault(job.job_id, job)
    return list(jobs.values())
