"""Raw records become items: what concerns a ticket goes on, what is broken is kept, what is erased is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from normalizer.decode_stage import DecodeStage
from pipeline import headers
from pipeline.channel import Part, Raw
from pipeline.errors import InvalidItem
from pipeline.intake import BlobReference
from pipeline.sealing import seal
from pipeline.stage import Message
from schemas.base import decode, encode
from schemas.item import Attachment, Author, Decoded, Item, ItemEvent, Outcome
from schemas.topics import ITEMS
from tests.normalizer.desk import NOON, Tray, VaultKeys, open_vault
from vault.store import Vault

TOPIC = "crm.raw.papan"


def decoder(raw: Raw) -> Iterable[Part]:
    """A channel of the test: a line ``outcome name text`` a message; a line ``berkas`` brings a file along."""
    for line in raw.body.decode().splitlines():
        outcome, name, text = line.split(" ", 2)
        yield part(outcome, name, text[:40])  # type: ignore[arg-type]


def part(outcome: Outcome, name: str, text: str) -> Part:
    key = f"papan:1:{name}"
    if outcome == "dead":
        return Part(Decoded(outcome="dead", key=key, reason="papan.unreadable"))
    files = {"part:1": b"isi foto"} if text.endswith("berkas") else {}
    item = Item(
        channel="papan", account="1", external_id=name, author=Author(id=f"orang-{name}"), text=text, sent_at=NOON,
        attachments=tuple(Attachment(media_type="image/png", reference=one) for one in (*files, "di-vendor")),
    )  # fmt: skip
    return Part(Decoded(outcome=outcome, key=key, reason=None if outcome == "complaint" else "x", item=item), files)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    opened = open_vault(tmp_path)
    yield opened
    opened.close()


class Bench:
    """The stage over one vault."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.keys = VaultKeys(vault)
        self.stage = DecodeStage({"papan": decoder}, self.keys, vault, "jakarta")

    def raw(self, body: bytes, **more: str) -> Message:
        key = self.keys.take()
        meta = {
            headers.KEY_ID: key.id, headers.CHANNEL: "papan", headers.ACCOUNT: "1", headers.CONTENT_TYPE: "text/plain",
            headers.RECEIVED: NOON.isoformat(), **more,
        }  # fmt: skip
        return Message(TOPIC, 0, 7, "jakarta:1", seal(key.secret, body, TOPIC), meta)

    async def process(self, *messages: Message) -> Tray:
        tray = Tray({})
        await self.stage.process(messages, tray, tray)
        return tray


@pytest.fixture
def bench(vault: Vault) -> Bench:
    return Bench(vault)


def events(tray: Tray) -> list[ItemEvent]:
    return [decode(plain, ItemEvent) for _, _, plain, _ in tray.sealed]


async def test_only_what_concerns_a_ticket_goes_on(bench: Bench) -> None:
    outcomes = ("complaint", "reply", "edit", "delete", "receipt", "note", "ignored")
    tray = await bench.process(bench.raw("\n".join(f"{one} {one} teks" for one in outcomes).encode()))
    assert [one.decoded.outcome for one in events(tray)] == ["complaint", "reply", "edit", "delete"]
    assert (tray.sent, tray.buried) == ([], [])


async def test_item_goes_to_its_author_and_names_neither_person_nor_message_in_clear(bench: Bench) -> None:
    message = bench.raw(b"complaint a1 lampu mati")
    ((topic, key, _, meta),) = (await bench.process(message)).sealed
    assert (topic, key) == (ITEMS, bench.vault.pseudonym("papan", "1", "orang-a1"))
    assert not any("a1" in value for value in meta.values() if value != key)
    assert meta["ce_id"] == bench.vault.hash_of("papan:1:a1")


async def test_item_remembers_receipt_and_the_key_of_its_raw_record(bench: Bench) -> None:
    message = bench.raw(b"complaint a1 lampu mati")
    (event,) = events(await bench.process(message))
    assert (event.received_at, event.raw_key, event.raw_blob) == (NOON, message.headers[headers.KEY_ID], None)


async def test_broken_item_is_kept_and_its_neighbours_go_on(bench: Bench) -> None:
    tray = await bench.process(bench.raw(b"complaint a1 satu\ndead a2 rusak\ncomplaint a3 tiga"))
    assert tray.buried == [(7, "papan.unreadable")]
    assert [one.decoded.key for one in events(tray)] == ["papan:1:a1", "papan:1:a3"]


async def test_file_is_sealed_once_however_often_the_record_comes(bench: Bench) -> None:
    message = bench.raw(b"complaint a1 ada berkas")
    (first,), (again,) = events(await bench.process(message)), events(await bench.process(message))
    assert first == again
    assert first.decoded.item is not None
    kept, remote = first.decoded.item.attachments
    assert kept.blob is not None
    assert (bench.vault.get_blob(kept.blob), kept.size) == (b"isi foto", 8)
    assert (remote.blob, remote.reference) == (None, "di-vendor")


async def test_large_body_comes_by_reference(bench: Bench) -> None:
    body = b"complaint a1 " + b"A" * 700_000
    name = bench.vault.put_blob(body, idempotency="raw/1", person=None, media_type="text/plain")
    reference = encode(BlobReference(blob=name, size=len(body), sha256="0"))
    (event,) = events(await bench.process(bench.raw(reference, **{headers.BLOB: "1"})))
    assert (event.decoded.key, event.raw_blob) == ("papan:1:a1", name)


async def test_reference_to_a_blob_that_is_gone_is_told(bench: Bench) -> None:
    reference = encode(BlobReference(blob="tidak-ada", size=1, sha256="0"))
    with pytest.raises(InvalidItem, match="blob-missing"):
        await bench.process(bench.raw(reference, **{headers.BLOB: "1"}))


async def test_record_whose_key_was_erased_is_left_alone(bench: Bench) -> None:
    gone, stays = bench.raw(b"complaint a1 satu"), bench.raw(b"complaint a2 dua")
    bench.vault.destroy_keys([gone.headers[headers.KEY_ID]], actor="a-test", reason="test")
    tray = await bench.process(gone, stays)
    assert [one.decoded.key for one in events(tray)] == ["papan:1:a2"]
    assert tray.buried == []


async def test_record_that_is_not_sealed_is_buried(bench: Bench) -> None:
    tray = await bench.process(Message(TOPIC, 0, 3, "jakarta:1", b"complaint a1 x", {}))
    assert (tray.buried, tray.sealed) == ([(3, "normalizer.not-sealed")], [])


@pytest.mark.parametrize("name", [headers.CHANNEL, headers.ACCOUNT, headers.RECEIVED, headers.CONTENT_TYPE])
async def test_missing_header_is_named(bench: Bench, name: str) -> None:
    whole = bench.raw(b"complaint a1 x")
    meta = {key: value for key, value in whole.headers.items() if key != name}
    with pytest.raises(InvalidItem, match=name):
        await bench.process(Message(TOPIC, 0, 3, "jakarta:1", whole.value, meta))
