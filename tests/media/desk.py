"""A media service of its own: the real vault, a vendor on loopback, keys and publisher in memory."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from pydantic import SecretStr

from media.fetch import Limits
from media.service import Media
from pipeline import headers
from pipeline.channel import MediaLink, Raw
from pipeline.sealing import seal
from pipeline.settings import CoreSettings
from pipeline.stage import Message
from schemas.base import decode, encode
from schemas.case import Command
from schemas.item import Attachment, Author, Decoded, Item, ItemEvent
from schemas.topics import COMMANDS, ITEMS
from tests.channels import MemoryIntake
from tests.pipeline.memory import MemoryKeys, Paper
from vault.model import Registration
from vault.store import Vault

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
SITI = Author(id="628120000001", name="Siti Contoh", phone="+628120000001")
TOKEN = "demo-vendor-token-7731"


@dataclass
class HandClock:
    time: datetime = NOON

    def now(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)


@dataclass
class Seen:
    """One request at the vendor; header names in lower case."""

    path: str
    headers: Mapping[str, str]


@dataclass
class Answer:
    """``body`` may be chunks; ``extra`` are header lines; ``pause`` seconds between chunks."""

    body: bytes | list[bytes] = b""
    status: int = 200
    extra: tuple[str, ...] = ()
    pause: float = 0.0
    length: bool = True


class Vendor:
    """A file host as vendors have them: says what it is told to, path by path, and writes down who asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | list[Answer]] = {}
        self.seen: list[Seen] = []
        self.port = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            path = first.split()[1]
            named = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
            self.seen.append(Seen(path, named))
            planned = self.answers.get(path, Answer(status=404))
            answer = planned if isinstance(planned, Answer) else planned.pop(0) if len(planned) > 1 else planned[0]
            await self._say(writer, answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, answer: Answer) -> None:
        chunks = [answer.body] if isinstance(answer.body, bytes) else answer.body
        lines = [f"HTTP/1.1 {answer.status} Whatever", "Connection: close", *answer.extra]
        if answer.length:
            lines.append(f"Content-Length: {sum(map(len, chunks))}")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(answer.pause)


@asynccontextmanager
async def vendor(ssl: Any = None) -> AsyncIterator[Vendor]:
    one = Vendor()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=ssl)
    one.port = server.sockets[0].getsockname()[1]
    async with server:
        yield one


class Source:
    """``pipeline.channel.MediaSource`` over the vendor double: links by reference, made afresh each time."""

    hosts: Collection[str] = frozenset({"127.0.0.1"})
    lifetime = timedelta(days=3)

    def __init__(self, link: Callable[[str, int], str]) -> None:
        self._link = link
        self.asked: list[str] = []
        self.failures: list[Exception] = []
        self.words: Raw | None = None

    async def locate(self, found: Attachment, account: str) -> MediaLink:
        self.asked.append(found.reference or "")
        if self.failures:
            raise self.failures.pop(0)
        url = self._link(found.reference or "", len(self.asked))
        return MediaLink(url, {"Authorization": f"Bearer {TOKEN}"}, self.words)

    async def close(self) -> None: ...


def settings_of(folder: Path) -> CoreSettings:
    return CoreSettings(
        data_dir=folder,
        master_key=SecretStr("a-master-key-of-the-tests-0123456789"),
        id_key=SecretStr("an-id-key-of-the-tests-0123456789"),
        _env_file=None,
    )


@dataclass
class Desk:
    """What the tests look at."""

    vault: Vault
    clock: HandClock
    source: Source | None
    vendor: Vendor
    settings: CoreSettings
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    paper: Paper = field(default_factory=Paper)
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    limits: Limits | None = None

    def __post_init__(self) -> None:
        self.media = Media(
            self.settings, {"whatsapp": self.source}, self.vault, self.paper, self.intake, self.keys, self.clock,
            limits=self.limits,
        )  # fmt: skip

    @property
    def commands(self) -> list[Command]:
        assert all(record.topic == COMMANDS.name for record in self.paper.records)
        return [decode(record.value or b"", Command) for record in self.paper.records]

    @property
    def person(self) -> str:
        return self.vault.pseudonym("whatsapp", "1001", SITI.id)

    def key(self, name: str) -> str:
        return f"whatsapp:1001:{name}"

    def item(self, name: str, *files: Attachment, outcome: Any = "complaint") -> ItemEvent:
        item = Item(
            channel="whatsapp", account="1001", external_id=name, author=SITI, text="Jalan berlubang", sent_at=NOON,
            attachments=files,
        )  # fmt: skip
        return ItemEvent(
            tenant="jakarta",
            decoded=Decoded(outcome=outcome, key=self.key(name), item=item),
            received_at=self.clock.now(),
            raw_key="k",
        )

    def message(self, event: ItemEvent) -> Message:
        key = self.keys.take()
        sealed = seal(key.secret, encode(event), ITEMS.name)
        return Message(ITEMS.name, 0, len(self.keys.secrets), self.person, sealed, {headers.KEY_ID: key.id})

    def register(self, name: str) -> str:
        """The normalizer's decision: a ticket of its own; its id."""
        registration = Registration(
            item_key=self.vault.hash_of(self.key(name)),
            ticket_id=self.vault.ticket_id("whatsapp", "1001", name),
            kind="opened",
            channel="whatsapp",
            account="1001",
            received_at=self.clock.now(),
            message=self.vault.hash_of("message", name),
            person=self.person,
            identity=SITI,
        )
        self.vault.register([registration])
        return registration.ticket_id

    async def came(self, name: str, *files: Attachment, ticket: bool = True) -> str:
        """A message with files, taken by the service; the id of its ticket, if it made one."""
        await self.media.take([self.message(self.item(name, *files))])
        return self.register(name) if ticket else ""

    async def tick(self, **span: float) -> int:
        self.clock.advance(**span)
        return await self.media.work_due()


def photo(reference: str = "foto-1", **more: Any) -> Attachment:
    return Attachment(name="Siti Contoh.jpg", media_type="image/jpeg", reference=reference, **more)


def jpeg(width: int = 64, height: int = 48, *, gps: bool = True, orientation: int = 1) -> bytes:
    """A photo as telephones make them: EXIF with a position, the model, and how it was held."""
    image = Image.new("RGB", (width, height), (200, 120, 40))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x0110] = "Telepon Siti"
    if gps:
        exif.get_ifd(0x8825).update({1: "S", 2: (6.0, 14.0, 11.8), 3: "E", 4: (106.0, 48.0, 27.7)})
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()
