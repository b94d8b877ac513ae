"""Does one job: finds the ticket, gets the bytes, judges and seals them, tells the ticket; or tries again later."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import random
from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from pipeline.channel import Intake, MediaSource
from pipeline.clock import Clock
from pipeline.errors import Backpressure, InvalidItem, TransientError
from pipeline.headers import record_headers
from pipeline.metrics import MEDIA, MEDIA_BYTES, MEDIA_FAILED, MEDIA_RETRIES
from pipeline.publisher import Outbound, Publisher
from schemas.base import decode, encode
from schemas.case import Actor, Command, CommandKind
from schemas.ids import derived_id
from schemas.item import Attachment
from schemas.ticket import AttachmentRef
from schemas.topics import COMMANDS
from vault.model import MediaJob

from .fetch import LONGEST_PAUSE, Fetcher
from .jobs import MediaVault, Task
from .kinds import PICTURES, kind_of
from .pictures import made_anew

log = structlog.get_logger(__name__)

RETRY_SECONDS = (5, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600)
TICKET_SECONDS = (1, 2, 5, 15, 60)
"""Pauses until the normalizer has decided; it normally takes less than one."""
TICKET_WITHIN = timedelta(hours=1)
"""After it a message without a ticket counts as one that made none; it is asked for again once an hour nevertheless,
while the vendor keeps the file: the normalizer may have stood still."""
WITHOUT_SOURCE = timedelta(hours=1)
LOCATE_SECONDS = 30.0
"""For the vendor's answer where the file is; with fetching it stays well below a claim's lease."""
WRONG_CONTENTS = 3
"""Attempts after which content that does not fit its digest is given up."""
TOO_LATE = "media.too-late"
LOST = "Lampiran pelapor tidak dapat disimpan: {why}."
WHY = {
    "media.address-refused": "tautan berkasnya mengarah ke alamat yang tidak diizinkan",
    "media.too-many-redirects": "tautan berkasnya dialihkan terlalu banyak",
    "media.too-large": "ukurannya lebih dari 25 MB",
    "media.encoded": "berkasnya dimampatkan dengan cara yang tidak aman",
    "media.type-refused": "jenis berkasnya tidak diterima",
    "media.wrong-content": "isinya tidak cocok dengan sidik berkas dari penyedia kanal",
    TOO_LATE: "penyedia kanal tidak memberikannya sampai batas waktu",
}
OTHERWISE = "penyedia kanal menyatakan berkasnya tidak ada lagi"


class WrongContent(TransientError):
    """The bytes are not those that the vendor gave a digest of: a broken transfer, or another file."""


class Worker:
    """Jobs come one after the other or together; each is repeatable, whatever kills it in between."""

    def __init__(
        self,
        sources: Mapping[str, MediaSource | None],
        vault: MediaVault,
        publisher: Publisher,
        intake: Intake,
        fetcher: Fetcher,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._sources = sources
        self._vault = vault
        self._publisher = publisher
        self._intake = intake
        self._fetcher = fetcher
        self._clock = clock
        self._chance = chance
        self._one_picture = asyncio.Lock()

    async def work(self, job: MediaJob) -> None:
        """Brings a claimed job one step on. Raises ``Unavailable`` when vault or Kafka is away: it comes again."""
        task = decode(job.payload, Task)
        known = await asyncio.to_thread(self._vault.lookup, [job.item_key])
        ticket = known.items.get(job.item_key)
        if ticket is None:
            await self._await_ticket(job)
            return
        try:
            content = await self._content(job, task)
            if content is None:
                return
            kind = _kept_kind(content)
        except InvalidItem as error:
            await self._give_up(job, task, ticket.ticket_id, error.reason)
        except Exception as error:
            await self._later(job, task, ticket.ticket_id, error)
        else:
            await self._keep(job, task, ticket.ticket_id, content, kind)

    async def _await_ticket(self, job: MediaJob) -> None:
        now = self._clock.now()
        since = now - (job.held_at or now)
        if since >= TICKET_WITHIN and now >= job.deadline:
            await asyncio.to_thread(self._vault.settle_media, job.job_id, "failed", "media.no-ticket")
            MEDIA_FAILED.labels(job.channel, "media.no-ticket").inc()
            return
        passed = since.total_seconds()
        pause = next((float(one) for one in TICKET_SECONDS if passed < 4 * one), 60.0)
        if since >= TICKET_WITHIN:
            pause = TICKET_WITHIN.total_seconds()
        due = now + timedelta(seconds=pause)
        await asyncio.to_thread(self._vault.postpone_media, job.job_id, due, failed=False)

    async def _content(self, job: MediaJob, task: Task) -> bytes | None:
        """The bytes; None when the job has been put off, or its person is gone."""
        if task.found.blob is not None:
            content = await asyncio.to_thread(self._vault.get_blob, task.found.blob)
            if content is None:
                await asyncio.to_thread(self._vault.settle_media, job.job_id, "failed", "media.erased")
            return content
        source = self._sources.get(task.channel)
        if source is None:
            raise TransientError("the channel has no credentials to fetch files with")
        async with asyncio.timeout(LOCATE_SECONDS):
            link = await source.locate(task.found, task.account)
        if link.words is not None:
            # Before the file: it may be gone while the words are there. Said again, they keep their key.
            await self._intake.accept(link.words)
        content = await self._fetcher.fetch(link, source.hosts)
        if not fits(content, task.found):
            if job.attempts + 1 >= WRONG_CONTENTS:
                raise InvalidItem("media.wrong-content")
            raise WrongContent("a file's content is not what the vendor announced")
        return content

    async def _keep(self, job: MediaJob, task: Task, ticket_id: str, content: bytes, kind: str) -> None:
        """Blobs, then the ticket, then the job: each step can be repeated, and none is told that was not kept."""
        blob = task.found.blob
        if blob is None:
            blob = await self._seal(job, content, kind, "")
        view = None
        if kind in PICTURES:
            async with self._one_picture:
                picture = await asyncio.to_thread(made_anew, content)
            if picture is not None:
                view = await self._seal(job, picture, "image/jpeg", "/view")
        file = AttachmentRef(media_type=kind, size=len(content), blob=blob, id=job.job_id, view=view)
        await self._tell(task, ticket_id, "attach", job.job_id, evidence=(file,))
        if await asyncio.to_thread(self._vault.settle_media, job.job_id, "kept"):
            MEDIA.labels(job.channel).inc()
            MEDIA_BYTES.labels(job.channel).inc(len(content))
            return
        # Erased while it was fetched: the job went with the person, and what was sealed since goes now.
        late = [name for name in (blob, view) if name is not None]
        await asyncio.to_thread(self._vault.destroy_keys, late, actor="media", reason="penghapusan selama pengambilan")

    async def _seal(self, job: MediaJob, content: bytes, kind: str, part: str) -> str:
        return await asyncio.to_thread(
            self._vault.put_blob,
            content,
            idempotency=f"media/{job.job_id}{part}",
            person=job.person,
            media_type=kind,
        )

    async def _later(self, job: MediaJob, task: Task, ticket_id: str, error: Exception) -> None:
        now = self._clock.now()
        if now >= job.deadline:
            await self._give_up(job, task, ticket_id, TOO_LATE)
            return
        due = min(now + self._pause(job, task, error), job.deadline)
        await asyncio.to_thread(self._vault.postpone_media, job.job_id, due, failed=True)
        MEDIA_RETRIES.labels(job.channel).inc()
        log.warning("media.waiting", channel=job.channel, attempt=job.attempts + 1, error=type(error).__name__)

    def _pause(self, job: MediaJob, task: Task, error: Exception) -> timedelta:
        if isinstance(error, Backpressure):
            return timedelta(seconds=min(max(error.retry_after, 1.0), LONGEST_PAUSE))
        if self._sources.get(task.channel) is None:
            return WITHOUT_SOURCE
        seconds = RETRY_SECONDS[min(job.attempts, len(RETRY_SECONDS) - 1)]
        return timedelta(seconds=seconds * (0.5 + self._chance() / 2))

    async def _give_up(self, job: MediaJob, task: Task, ticket_id: str, reason: str) -> None:
        """Officers read on the ticket that a file is missing, and why; nothing is dropped silently."""
        text = LOST.format(why=WHY.get(reason, OTHERWISE))
        await self._tell(task, ticket_id, "note", job.job_id, text=text)
        if await asyncio.to_thread(self._vault.settle_media, job.job_id, "failed", reason):
            MEDIA_FAILED.labels(job.channel, reason).inc()
            log.warning("media.given-up", channel=job.channel, reason=reason, ticket_id=ticket_id)

    async def _tell(
        self,
        task: Task,
        ticket_id: str,
        kind: CommandKind,
        cause: str,
        *,
        text: str | None = None,
        evidence: tuple[AttachmentRef, ...] = (),
    ) -> None:
        command = Command(
            id=derived_id(ticket_id, "media", kind, cause),
            tenant=task.tenant,
            at=self._clock.now(),
            kind=kind,
            ticket_id=ticket_id,
            actor=Actor(role="system"),
            text=text,
            evidence=evidence,
        )
        meta = record_headers(COMMANDS, command, "media", subject=ticket_id)
        await self._publisher.publish([Outbound(COMMANDS.name, ticket_id, encode(command), meta)])


def _kept_kind(content: bytes) -> str:
    kind = kind_of(content)
    if kind is None:
        raise InvalidItem("media.type-refused")
    return kind


def fits(content: bytes, found: Attachment) -> bool:
    """Whether the vendor's SHA-256, in hexadecimal or base64, fits ``content``; what is neither says nothing."""
    if found.sha256 is None:
        return True
    digest = hashlib.sha256(content).digest()
    given = found.sha256.strip()
    try:
        announced = bytes.fromhex(given) if len(given) == 64 else base64.b64decode(given, validate=True)
    except (ValueError, binascii.Error):
        return True
    return len(announced) != len(digest) or hmac.compare_digest(announced, digest)
