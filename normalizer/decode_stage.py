"""Raw bytes to items: runs the decoders it is handed and keeps the files they find."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
import structlog

from pipeline import headers
from pipeline.channel import Part, Raw
from pipeline.errors import InvalidItem
from pipeline.intake import BlobReference
from pipeline.metrics import DECODED
from pipeline.sealing import Keys
from pipeline.stage import Message, Outbox, State
from pipeline.unsealing import Opened
from schemas.base import decode, encode
from schemas.item import Attachment, Decoded, Item, ItemEvent
from schemas.topics import ITEMS, raw_topic

from .receipts import failed_delivery, hashed
from .unseal import open_batch, required
from .vault_port import NormalizerVault

log = structlog.get_logger(__name__)

Decoder = Callable[[Raw], Iterable[Part]]
FORWARDED = frozenset({"complaint", "reply", "edit", "delete"})
"""Outcomes that concern a ticket; of receipts only failed ones do. All else is counted, and stays in the raw topic."""
OFF_LOOP_BYTES = 64 * 1024
"""Bytes from which decoding runs in a thread, so that a slow mail does not hold up health and heartbeats."""


class DecodeStage:
    """Implements ``pipeline.stage.Stage`` over all raw topics."""

    name = "decode"
    table = None

    def __init__(self, decoders: Mapping[str, Decoder], keys: Keys, vault: NormalizerVault, tenant: str) -> None:
        self.inputs = tuple(raw_topic(name) for name in decoders)
        self._decoders = decoders
        self._keys = keys
        self._vault = vault
        self._tenant = tenant

    async def process(self, messages: Sequence[Message], state: State, out: Outbox) -> None:
        """See ``pipeline.stage.Stage``."""
        for opened in await open_batch(messages, self._keys, out):
            raw = await self._raw(opened)
            parts = await self._decode(raw)
            for part in parts:
                DECODED.labels(raw.channel, part.decoded.outcome).inc()
                if part.decoded.outcome == "dead":
                    out.dead(opened.message, part.decoded.reason or f"{raw.channel}.unreadable")
                elif part.decoded.outcome in FORWARDED and part.decoded.item is not None:
                    await self._forward(opened, raw, part, part.decoded.item, out)
                elif (delivery := failed_delivery(part.decoded)) is not None:
                    self._send(opened, raw, hashed(part.decoded, delivery, self._vault), None, out)

    async def _raw(self, opened: Opened) -> Raw:
        message = opened.message
        body = opened.plain
        blob = blob_of(opened)
        if blob is not None:
            found = await asyncio.to_thread(self._vault.get_blob, blob)
            if found is None:
                raise InvalidItem("normalizer.blob-missing", blob)
            body = found
        return Raw(
            channel=required(message, headers.CHANNEL),
            account=required(message, headers.ACCOUNT),
            body=body,
            content_type=required(message, headers.CONTENT_TYPE),
            received_at=datetime.fromisoformat(required(message, headers.RECEIVED)),
            meta=decode(message.headers.get(headers.META, "{}"), dict[str, str]),
        )

    async def _decode(self, raw: Raw) -> list[Part]:
        decoder = self._decoders[raw.channel]
        if len(raw.body) < OFF_LOOP_BYTES:
            return list(decoder(raw))
        return await asyncio.to_thread(lambda: list(decoder(raw)))

    async def _forward(self, opened: Opened, raw: Raw, part: Part, item: Item, out: Outbox) -> None:
        author = self._vault.pseudonym(item.channel, item.account, item.author.id)
        kept = [await self._keep(part, item, found, author) for found in item.attachments]
        decoded = _with_item(part.decoded, msgspec.structs.replace(item, attachments=tuple(kept)))
        self._send(opened, raw, decoded, author, out)

    def _send(self, opened: Opened, raw: Raw, decoded: Decoded, author: str | None, out: Outbox) -> None:
        """One record of ``crm.items``; a receipt, which has no author, stands under the hash of our message."""
        key = author or (decoded.delivery.message if decoded.delivery else decoded.key)
        event = ItemEvent(
            tenant=self._tenant,
            decoded=decoded,
            received_at=raw.received_at,
            raw_key=opened.key_id,
            raw_blob=blob_of(opened),
        )
        meta = {
            headers.CHANNEL: raw.channel,
            headers.ACCOUNT: raw.account,
            headers.RECEIVED: raw.received_at.isoformat(),
            **headers.cloud_event(
                ITEMS,
                event_id=self._vault.hash_of(decoded.key),
                source="decode",
                time=raw.received_at.isoformat(),
                subject=key,
            ),
        }
        out.send_sealed(ITEMS, key, encode(event), meta)

    async def _keep(self, part: Part, item: Item, found: Attachment, author: str) -> Attachment:
        """Seals a file that came inside the raw record; one known only by reference stays a reference."""
        content = part.files.get(found.reference or "")
        if content is None:
            return found
        blob = await asyncio.to_thread(
            self._vault.put_blob,
            content,
            idempotency=f"{part.decoded.key}/{found.reference}",
            person=author,
            media_type=found.media_type,
        )
        digest = found.sha256 or hashlib.sha256(content).hexdigest()
        return msgspec.structs.replace(found, blob=blob, size=len(content), sha256=digest)


def blob_of(opened: Opened) -> str | None:
    """Name of the blob that the record stands for, if it does."""
    if headers.BLOB not in opened.message.headers:
        return None
    return decode(opened.plain, BlobReference).blob


def _with_item(decoded: Decoded, item: Item) -> Decoded:
    return msgspec.structs.replace(decoded, item=item)
