"""`tanggap reconcile CHANNEL`: the vendor's listing against what stands in the raw topic.

Only complaints, replies and edits count: they are what a citizen sent. The listing is read first and the topic after
it, so that a delivery on its way meanwhile is found; the topic from the oldest listed message on, so that a page which
reaches back further than asked is not called missing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from ingestors.registry import CHANNELS
from pipeline import headers
from pipeline.channel import Channel, History, Intake, Raw
from pipeline.intake import BlobReference
from pipeline.publisher import Publisher
from pipeline.sealing import Broken, unseal
from pipeline.settings import CoreSettings
from pipeline.stage import Message
from schemas.base import Part, decode
from schemas.topics import raw_topic
from vault.model import Known

COUNTED: Final = frozenset({"complaint", "reply", "edit"})
SKEW: Final = timedelta(hours=1)
"""How far a vendor's clock may be ahead of the broker's."""
_SINCE = re.compile(r"([0-9]{1,4})([mhd])", re.ASCII)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


class CannotReconcile(Exception):
    """There is nothing to compare with; the message says what to do."""


class RawTopic(Protocol):
    """Where captured bytes stand. Calls block."""

    def since(self, channel: str, moment: datetime) -> Iterable[list[Message]]:
        """Records published at ``moment`` or later, up to the end as it is now, in batches."""


class Vault(Protocol):
    """The part of ``vault.store.Vault`` that reconciling uses. Calls block."""

    def find_keys(self, ids: Collection[str]) -> Mapping[str, bytes]: ...

    def get_blob(self, name: str) -> bytes | None: ...

    def hash_of(self, *parts: str) -> str: ...

    def lookup(self, item_keys: Iterable[str]) -> Known: ...


class Missing(Part, frozen=True, kw_only=True, omit_defaults=False):
    """One listed message that was not captured: the keyed hash of its key, and when it was sent."""

    key: str
    sent_at: datetime


class Report(Part, frozen=True, kw_only=True, omit_defaults=False):
    """What ``tanggap reconcile`` prints.

    ``listed`` counts distinct messages in the listing; ``erased`` raw records whose key is gone, ``unreadable`` those
    that do not open for another reason; ``mended`` pages handed over.
    """

    channel: str
    since: datetime
    listed: int
    missing: tuple[Missing, ...] = ()
    erased: int = 0
    unreadable: int = 0
    mended: int = 0

    def words(self) -> str:
        """For people."""
        lines = [f"{len(self.missing)} missing of {self.listed}"]
        lines += [f"  {one.key}  {one.sent_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for one in self.missing]
        if self.erased:
            lines.append(f"{self.erased} captured records belong to erased people and were not compared.")
        if self.unreadable:
            lines.append(f"{self.unreadable} captured records do not open: see tanggap deadletters list.")
        if self.mended:
            lines.append(f"{self.mended} pages handed to the intake; run this again to see that nothing is missing.")
        elif self.missing:
            lines.append(f"Run tanggap reconcile {self.channel} --mend to take them in.")
        return "\n".join(lines)


@dataclass
class _Captured:
    keys: set[str] = field(default_factory=set)
    erased: int = 0
    unreadable: int = 0


def window(text: str) -> timedelta:
    """``90m``, ``24h`` or ``7d``. Raises ``CannotReconcile``."""
    found = _SINCE.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise CannotReconcile(f"--since {text!r} is no length of time: write 90m, 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


async def reconcile(
    channel: Channel,
    history: History,
    topic: RawTopic,
    vault: Vault,
    *,
    since: datetime,
    mend: Intake | None = None,
) -> Report:
    """Compares, and with ``mend`` hands over the pages that hold what is missing.

    What the register knows is not missing even when its raw record can no longer be read: its writer was erased, and
    taking it in again would bring back what had to go. Raises what the vendor, Kafka, the vault or the intake raised.
    """
    listed: dict[str, datetime] = {}
    pages: list[tuple[Raw, frozenset[str]]] = []
    async for page in history.pages(since):
        found = await asyncio.to_thread(_counted, channel, page)
        listed |= found
        if mend is not None:
            pages.append((page, frozenset(found)))
    oldest = min((since, *listed.values())) if listed else since
    captured = await asyncio.to_thread(_captured, channel, topic, vault, _before(oldest, SKEW))
    gone = {vault.hash_of(key): key for key in listed.keys() - captured.keys}
    known = (await asyncio.to_thread(vault.lookup, list(gone))).items
    missing = {hashed: key for hashed, key in gone.items() if hashed not in known}
    wanted = frozenset(missing.values())
    mended = 0
    for page, keys in pages:
        if mend is not None and wanted & keys:
            await mend.accept(page)
            mended += 1
    rows = sorted((Missing(key=hashed, sent_at=listed[key]) for hashed, key in missing.items()), key=_by_time)
    return Report(
        channel=channel.name, since=since, listed=len(listed), missing=tuple(rows), erased=captured.erased,
        unreadable=captured.unreadable, mended=mended,
    )  # fmt: skip


def _by_time(one: Missing) -> tuple[datetime, str]:
    return one.sent_at, one.key


def _before(moment: datetime, length: timedelta) -> datetime:
    """``moment`` less ``length``, no earlier than 1970, where Kafka's time begins."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return moment - length if moment > start + length else start


def _counted(channel: Channel, page: Raw) -> dict[str, datetime]:
    return {
        part.decoded.key: part.decoded.item.sent_at
        for part in channel.decode(page)
        if part.decoded.outcome in COUNTED and part.decoded.item is not None
    }


def _captured(channel: Channel, topic: RawTopic, vault: Vault, start: datetime) -> _Captured:
    found = _Captured()
    for batch in topic.since(channel.name, start):
        ids = {message.headers.get(headers.KEY_ID, "") for message in batch}
        secrets = vault.find_keys(sorted(ids - {""}))
        for message in batch:
            secret = secrets.get(message.headers.get(headers.KEY_ID, ""))
            if secret is None:
                found.erased += 1
                continue
            raw = _opened(channel.name, message, secret, vault)
            if raw is None:
                found.unreadable += 1
            else:
                found.keys.update(part.decoded.key for part in channel.decode(raw))
    return found


def _opened(channel: str, message: Message, secret: bytes, vault: Vault) -> Raw | None:
    """The raw bytes as the decode stage sees them; None when they do not open."""
    meta = message.headers
    try:
        body = unseal(secret, message.value, message.topic)
        whole = vault.get_blob(decode(body, BlobReference).blob) if headers.BLOB in meta else body
        if whole is None:
            return None
        return Raw(
            channel=channel,
            account=meta[headers.ACCOUNT],
            body=whole,
            content_type=meta[headers.CONTENT_TYPE],
            received_at=datetime.fromisoformat(meta[headers.RECEIVED]),
            meta=decode(meta.get(headers.META, "{}"), dict[str, str]),
        )
    except (Broken, KeyError, ValueError):
        return None


class KafkaRaw:
    """:class:`RawTopic` over kafka-python. Raises its errors, and ``indexer.source.TopicsMissing``."""

    def __init__(self, settings: CoreSettings, topic: Callable[[str], str] = lambda name: raw_topic(name).name) -> None:
        self._settings = settings
        self._topic = topic

    def since(self, channel: str, moment: datetime) -> Iterator[list[Message]]:
        """See :class:`RawTopic`."""
        from indexer import source

        consumer = source.connect(self._settings)
        try:
            places = source.partitions(consumer, self._topic(channel))
            ends: dict[object, int] = consumer.end_offsets(places)
            millis = int(moment.timestamp() * 1000)
            found = consumer.offsets_for_times(dict.fromkeys(places, millis))
            starts = {place: found[place].offset if found.get(place) else ends[place] for place in places}
            yield from source.read(consumer, starts, ends, lambda: True)
        finally:
            consumer.close(autocommit=False, timeout_ms=2_000)


async def _connected(publisher: Publisher) -> None:
    """Raises ``CannotReconcile`` when Kafka does not answer within ten seconds."""
    for _ in range(100):
        if publisher.connected:
            return
        await asyncio.sleep(0.1)
    raise CannotReconcile("Kafka does not answer: check TANGGAP_KAFKA, or start Tanggap, then run again")


async def run(name: str, since: str, settings: CoreSettings, *, mend: bool) -> Report:
    """The command. Raises ``CannotReconcile`` where there is nothing to compare, and what :func:`reconcile` raises."""
    from .house import open_house

    length = window(since)
    channel = CHANNELS.get(name)
    if channel is None:
        raise CannotReconcile(f"no channel {name!r}; there are {', '.join(CHANNELS)}")
    if channel.history is None:
        raise CannotReconcile(f"{channel.title} keeps no listing to compare with: see ingestors/{name}/README.md")
    async with open_house(settings, keys=50) as house:
        history = channel.history(channel.settings(), house.cursors, house.clock)
        if history is None:
            raise CannotReconcile(
                f"{channel.title} has no credentials here: set TANGGAP_{name.upper()}_… (.env.example), then run again"
            )
        try:
            await _connected(house.publisher)
            return await reconcile(
                channel, history, KafkaRaw(settings), house.vault,
                since=house.clock.now() - length, mend=house.intake if mend else None,
            )  # fmt: skip
        finally:
            await history.close()
