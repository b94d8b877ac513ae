"""What decode makes of mails: golden pairs, crashers, caps, quoting, loops, and fuzz."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestors.email import CHANNEL, REASONS
from pipeline.channel import Part, Raw
from schemas.item import Decoded, Item

FIXTURES = Path(__file__).parent / "fixtures"
MAILS = sorted(FIXTURES.glob("*.eml"))
CRASHERS = sorted((FIXTURES / "crashers").glob("*.eml"))
RECEIVED = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HEAD = b"From: budi@contoh.id\r\nSubject: Lampu mati\r\n"


def parts(body: bytes, **meta: str) -> list[Part]:
    return list(CHANNEL.decode(Raw("email", "dki@jakarta.go.id", body, "message/rfc822", RECEIVED, meta)))


def one(body: bytes, **meta: str) -> Decoded:
    (part,) = parts(body, **meta)
    return part.decoded


def item_of(body: bytes, **meta: str) -> Item:
    item = one(body, **meta).item
    assert item is not None
    return item


def mail(text: str, *headers: str) -> bytes:
    head = "\r\n".join(("From: budi@contoh.id", "Content-Type: text/plain; charset=utf-8", *headers))
    return f"{head}\r\n\r\n{text}".encode()


def test_every_outcome_but_complaint_has_a_documented_reason() -> None:
    seen = [one(path.read_bytes()) for path in MAILS]
    assert {each.outcome for each in seen} == {"complaint", "reply", "ignored", "dead"}
    for each in seen:
        assert (each.reason is None) == (each.outcome == "complaint")
        assert each.reason is None or each.reason in REASONS


@pytest.mark.parametrize("path", CRASHERS, ids=lambda path: path.stem[:2])
def test_crasher_ends_dead_or_readable(path: Path) -> None:
    decoded = one(path.read_bytes())
    assert decoded.outcome == "dead" or (decoded.item is not None and (decoded.item.text or decoded.item.subject))
    msgspec.json.encode(decoded)


def test_all_crashers_are_here() -> None:
    assert len(CRASHERS) == 17


def _nested(depth: int, head: bytes) -> bytes:
    return HEAD + b"".join(head.replace(b"N", b"%d" % level) for level in range(depth)) + b"\r\nisi"


MULTIPART = b"Content-Type: multipart/mixed; boundary=bN\r\n\r\n--bN\r\n"
PART_HEAD = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (_nested(1000, MULTIPART), "email.too-deep"),
        (_nested(1000, b"Content-Type: message/rfc822\r\n\r\n"), "email.too-deep"),
        (_nested(19, MULTIPART) + b"\n--b1X" * 500_000, "email.too-deep"),
        (PART_HEAD + b"--b\r\n\r\nx\r\n" * 200_000, "email.too-many-parts"),
        (b"From: " + b"(" * 100_000 + b"\r\n\r\nx", "email.header-too-big"),
        (b"From: " + b"(" * 9_000 + b"\r\n\r\nx", "email.header-too-big"),
        (b"Content-Type: text/plain" + b";a=b" * 50_000 + b"\r\n\r\nx", "email.header-too-big"),
        (PART_HEAD + (b"--b\r\n" + b"X-Isi: abc\r\n" * 5000 + b"\r\nx\r\n") * 12, "email.header-too-big"),
        (b"", "email.unreadable"),
        (b"\x00" * 1000, "email.unreadable"),
        (b"A" * 500_000, "email.header-too-big"),
        (b"From: budi@contoh.id\r\n\r\n \r\n", "email.empty"),
    ],
)  # fmt: skip
def test_beyond_the_caps_is_dead_with_its_reason(body: bytes, reason: str) -> None:
    decoded = one(body)
    assert (decoded.outcome, decoded.reason, decoded.item) == ("dead", reason, None)
    assert decoded.key.startswith("email:dki@jakarta.go.id:sha256:")


def test_four_hundred_recipients_and_a_long_thread_are_no_attack() -> None:
    to = ", ".join(f"warga{n}.contoh@contoh.id" for n in range(400))
    references = " ".join(f"<surat-{n}@contoh.id>" for n in range(600))
    item = item_of(mail("Isi", f"To: {to}", f"References: {references}", "In-Reply-To: <surat-599@contoh.id>"))
    assert (item.thread, item.reply_to) == ("surat-0@contoh.id", "surat-599@contoh.id")


@pytest.mark.parametrize(
    "markup",
    ["<" * 500_000, "<a " * 200_000, '<a ">"' * 100_000 + "'", "<!--" * 200_000, "<style></style" * 50_000,
     "<b>" * 300_000, "&#" + "9" * 100_000, "<p style='display:none'>" * 40_000],
)  # fmt: skip
def test_hostile_markup_stays_linear(markup: str) -> None:
    body = HEAD + b"Content-Type: text/html\r\n\r\n<p>Lampu mati</p>" + markup.encode()
    item = item_of(body)
    assert item.text.startswith("Lampu mati")


def test_text_beyond_the_limit_is_kept_as_attachment() -> None:
    (part,) = parts(HEAD + b"\r\n" + b"halo dunia\n" * 30_000)
    assert part.decoded.item is not None
    assert len(part.decoded.item.text) <= 200_000
    (attachment,) = part.decoded.item.attachments
    assert attachment.reference is not None
    assert len(part.files[attachment.reference]) == attachment.size == 330_000


def test_files_hold_what_the_attachments_say() -> None:
    (part,) = parts((FIXTURES / "nested_multipart.eml").read_bytes())
    assert part.decoded.item is not None
    assert set(part.files) == {each.reference for each in part.decoded.item.attachments}
    assert part.files["part:4"] == b"%PDF-1.4\n"


@pytest.mark.parametrize(
    ("offset", "trusted"),
    [(timedelta(minutes=5), True), (timedelta(minutes=5, seconds=1), False), (timedelta(days=-7), True),
     (timedelta(days=-7, seconds=-1), False)],
)  # fmt: skip
def test_senders_clock_counts_only_near_receipt(offset: timedelta, trusted: bool) -> None:
    sent = RECEIVED + offset
    item = item_of(mail("Isi", f"Date: {sent:%a, %d %b %Y %H:%M:%S} +0000"))
    assert item.sent_at == (sent if trusted else RECEIVED)


def test_date_without_zone_is_not_trusted() -> None:
    assert item_of(mail("Isi", "Date: Mon, 23 Nov 2026 02:00:00")).sent_at == RECEIVED


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (("Auto-Submitted: auto-generated",), "email.auto-reply"),
        (("Precedence: auto_reply",), "email.auto-reply"),
        (("X-Autoreply: yes",), "email.auto-reply"),
        (("Subject: Out of Office: liburan",), "email.auto-reply"),
        (("Precedence: bulk",), "email.list"),
        (("List-Id: <warga.contoh.id>",), "email.list"),
        (("Return-Path: <>",), "email.bounce"),
        (("X-Tanggap-Loop: dki@kota.contoh.id",), "email.own"),
    ],
)
def test_machines_are_ignored(headers: tuple[str, ...], reason: str) -> None:
    decoded = one(mail("Isi", *headers))
    assert (decoded.outcome, decoded.reason) == ("ignored", reason)


@pytest.mark.parametrize(
    "headers",
    [("Auto-Submitted: no",), ("Subject: Balasan otomatis dari kelurahan tidak menjawab",), ("X-Autoreply: no",),
     ("List-Id: <dki.jakarta.go.id>",), ("Return-Path: <budi@contoh.id>",), ("Precedence: normal",)],
)  # fmt: skip
def test_people_are_not_taken_for_machines(headers: tuple[str, ...]) -> None:
    assert one(mail("Isi", *headers)).outcome == "complaint"


def test_envelope_facts_count() -> None:
    assert one(mail("Isi"), null_sender="1").reason == "email.bounce"
    assert item_of(mail("Isi"), ticket_number="JK2611230009").ticket_number == "JK2611230009"
    own = mail("Isi").replace(b"budi@contoh.id", b"Kota <Pengaduan+x@Jakarta.go.id>")
    assert one(own).outcome == "complaint"
    assert one(own, own="dki@jakarta.go.id,pengaduan@jakarta.go.id").reason == "email.own"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Halo\n\nOn Mon, Nov 23, 2026 at 8:00 AM Kota <dki@jakarta.go.id> wrote:\n> Lama", "Halo"),
        ("Halo\n\nPada 23 Nov 2026, Kota <dki@jakarta.go.id> menulis:\n\nLama tanpa tanda", "Halo"),
        ("Halo\n-----Pesan Asli-----\nDari: Kota\nKirim\nLama", "Halo"),
        ("Halo\n\nFrom: Kota\nSent: Senin\nTo: Budi\nSubject: Re: x\n\nLama", "Halo"),
        ("Halo\n\nDikirim dari Yahoo Mail di Android", "Halo"),
        ("Halo\nSent from my iPhone\n\nOn Nov 23, 2026, Kota <a@b.id> wrote:\n> Lama\n\nJawaban", "Halo\n\nJawaban"),
        ("Pada rapat kemarin lurah menulis:\njalan akan diperbaiki", None),
        ("> tiga minggu lampu mati\nMohon dicek", None),
        ("Dari: Jl. Sabang\nKepada: dinas\nIsi", None),
        ("Pada 23 Nov 2026, Kota <dki@jakarta.go.id> menulis:\nIsi lama saja", None),
        ("Dikirim dari gudang ke pasar sampahnya berserakan", None),
        ("Lampu mati\n--\n" + "baris\n" * 30 + "akhir", None),
    ],
)
def test_quotes_and_signatures(text: str, kept: str | None) -> None:
    assert item_of(mail(text)).text == (text if kept is None else kept)


def test_our_own_quoted_lines_go_from_an_answer() -> None:
    body = mail("> Tautan lacak: rahasia\nSudah beres, terima kasih", "In-Reply-To: <x@jakarta.go.id>")
    assert item_of(body).text == "Sudah beres, terima kasih"


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        (b"utf-7", b"+ADw-script+AD4-", "+ADw-script+AD4-"),
        (b"us-ascii", "Café".encode(), "Café"),
        (b"iso-8859-1", "Café – “ya”".encode("cp1252"), "Café – “ya”"),
        (b"utf-16", "Banjir".encode("utf-16"), "Banjir"),
        (b"punycode", b"banjir-", "banjir-"),
        (b"utf-8", "Halo\u202egnay\u202c \x00\x1bdunia".encode(), "Halognay dunia"),
    ],
)
def test_charsets(charset: bytes, data: bytes, text: str) -> None:
    assert item_of(HEAD + b"Content-Type: text/plain; charset=" + charset + b"\r\n\r\n" + data).text == text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\foto\\jalan.jpg", "jalan.jpg"),
        ("foto\u202egpj.exe", "fotogpj.exe"),
        ("a" * 300 + ".jpg", "a" * 116 + ".jpg"),
        ("..", None),
    ],
)
def test_file_names_are_harmless(name: str, shown: str | None) -> None:
    part = f'--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\nx\r\n--b--'
    (attachment,) = item_of(PART_HEAD + part.replace("\\", "\\\\").encode()).attachments
    assert attachment.name == shown


def test_bare_carriage_return_makes_no_header() -> None:
    item = item_of(b"From: budi@contoh.id\r\nSubject: a\rX-Tanggap-Loop: b\r\n\r\nIsi")
    assert item.subject == "a X-Tanggap-Loop: b"


def test_uuencoded_attachment() -> None:
    head = b"--b\r\nContent-Type: image/gif\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
    part = head + b"begin 644 a.gif\r\n#0V%T\r\n`\r\nend\r\n--b--"
    (result,) = parts(PART_HEAD + part)
    assert result.files == {"part:1": b"Cat"}


def test_same_bytes_give_the_same_result() -> None:
    body = (FIXTURES / "no_date_no_id.eml").read_bytes()
    assert one(body) == one(body)
    assert one(body).key != one(body + b" ").key


MUTATIONS = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.sampled_from(["cut", "put", "double", "break"]), st.binary(max_size=12)),
    max_size=8,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(MAILS + CRASHERS), MUTATIONS)
def test_mutated_mails_never_raise(path: Path, mutations: list[tuple[int, str, bytes]]) -> None:
    body = path.read_bytes()[:20_000]
    for place, how, data in mutations:
        at = place % (len(body) + 1)
        body = {
            "cut": body[:at] + body[at + 1 + len(data) :],
            "put": body[:at] + data + body[at:],
            "double": body[:at] + body[max(0, at - 40) :],
            "break": body[:at] + b"\r\n" + data + b": " + body[at:],
        }[how]
    decoded = one(body)
    assert decoded.reason is None or decoded.reason in REASONS
    msgspec.json.decode(msgspec.json.encode(decoded), type=Decoded)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["From", "Subject", "Date", "Content-Type", "References", "To"]))
def test_any_header_value_never_raises(value: bytes, name: str) -> None:
    decoded = one(name.encode() + b": " + value + b"\r\nMessage-ID: <a@b.id>\r\n\r\nIsi")
    msgspec.json.decode(msgspec.json.encode(decoded), type=Decoded)
