"""What is personal never leaves in clear; the place of the complaint and the city's own numbers do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalizer.reader import Reader

READER = Reader.load()

PHONES = [
    "081200000001", "0812 0000 0001", "0812-0000-0001", "0812.0000.0001", "+62 812-0000-0001", "62812 0000 0001",
    "+6281200000001", "(021) 5550001", "021-5550001", "021 555 0001", "+62 21 5550001", "0 8 1 2 0 0 0 0 0 0 0 1",
    "o81200000001", "０８１２００００００１", "0812\u200b00000001", "8120000000001",
]  # fmt: skip


@pytest.mark.parametrize("phone", PHONES)
def test_a_telephone_number_is_masked_however_it_is_written(phone: str) -> None:
    masked = READER.mask(f"tolong hubungi {phone} segera")
    assert masked == "tolong hubungi [TELEPON] segera"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("NIK 3174051234567890", "NIK [NIK]"),
        ("NIK3174051234567890 atas permintaan", "NIK[NIK] atas permintaan"),
        ("KK 3174 0512 3456 7890", "KK [NIK]"),
        ("surel budi.contoh+1@mail.co.id.", "surel [SUREL]."),
        ("budi (at) gmail dot com", "[SUREL]"),
        ("budi @ gmail . com", "[SUREL]"),
        ("mobil B 1234 XYZ parkir", "mobil [PLAT] parkir"),
        ("b1234xyz", "[PLAT]"),
        ("nopol B 1234", "nopol [PLAT]"),
        ("rek BCA 1234567890 a.n. Budi", "rek BCA [REKENING] a.n. [NAMA]"),
        ("1500123456789 rekening mandiri", "[REKENING] rekening mandiri"),
        ("npwp 09.254.294.3-407.000", "npwp [NOMOR]"),
        ("kata @budi_contoh begitu", "kata [AKUN] begitu"),
        ("chat wa.me/6281200000001", "chat [AKUN]"),
        ("081200000001 081200000002", "[TELEPON] [TELEPON]"),
    ],
)
def test_numbers_and_addresses_of_persons(text: str, masked: str) -> None:
    assert READER.mask(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("nama saya budi santoso, warga tebet", "nama saya [NAMA], warga tebet"),
        ("Nama: Siti Aminah", "Nama: [NAMA]"),
        ("a.n. Joko", "a.n. [NAMA]"),
        ("Pak Budi tetangga saya", "Pak [NAMA] tetangga saya"),
        ("pak budi tetangga saya", "pak [NAMA] tetangga saya"),
        ("TOLONG PAK BUDI PARKIR SEMBARANGAN", "TOLONG PAK [NAMA] PARKIR SEMBARANGAN"),
        ("hormat saya,\nAndi Wijaya", "hormat saya,\n[NAMA]"),
        ("rumah Bapak H. Sulaiman", "rumah Bapak H. [NAMA]"),
        ("Saya Rina dari Tebet", "Saya [NAMA] dari Tebet"),
        ("alamat saya Jl. Melati No. 5 RT 03/04. Mohon dibantu", "alamat saya [ALAMAT]. Mohon dibantu"),
        ("saya tinggal di Jl Melati 5, got mampet", "saya tinggal di [ALAMAT], got mampet"),
    ],
)
def test_names_and_home_addresses(text: str, masked: str) -> None:
    assert READER.mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Melanjutkan JK2306180342 dan No. JK 2306180342",
        "tolong ditertibkan @DKIJakarta",
        "biaya Rp 8.125.000.000",
        "tgl 02-11-2023 12.00 dan 12/05/2023 08:00",
        "titik -6.2345678, 106.8123456",
        "Blok B 12 RT 05 RW 03",
        "Jl. H. Nawi dekat Jl Haji Naim",
        "warung Bu Kris di Jl. Melati No 5",
        "Ibu hamil jatuh, mohon Bapak Gubernur dan Bu Lurah Selong",
        "Mohon Bapak Segera Memperbaiki Jalan",
        "terima kasih pak. Jalan rusak",
        "Jalur 6A koridor 13, angkot Jak 105, PP 53 Tahun 2010",
        "saya tinggal di Tebet",
    ],
)
def test_the_complaint_itself_stays(text: str) -> None:
    assert READER.mask(text) == text


def test_the_authors_own_names_are_masked_whole_and_in_part() -> None:
    text = "Saya Gunarti, ya Gunarti Sekarwangi, dekat Jl. Gunarti dan Sunter Jaya"
    masked = READER.read(text, names=["Gunarti Sekarwangi", "Dodo Jaya"]).masked_text
    assert masked == "Saya [NAMA], ya [NAMA], dekat Jl. Gunarti dan Sunter Jaya"


def test_masking_twice_changes_nothing() -> None:
    once = READER.mask("Pak Budi 081200000001, NIK 3174051234567890, alamat saya Jl. Melati No 5, B 1234 XYZ @budi_x")
    assert READER.mask(once) == once


def test_a_number_across_the_cut_is_not_left_in_half() -> None:
    text = "a " * 9_998 + "081200000001"
    masked = READER.mask(text)
    assert masked.endswith("[TELEPON] [TERPOTONG]")
    assert "0812" not in masked


@settings(max_examples=150, deadline=None)
@given(
    before=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Nd", "Nl", "No"]), max_size=40),
    digits=st.text(alphabet="0123456789", min_size=8, max_size=8),
    separator=st.sampled_from(["", " ", "-", "."]),
)
def test_a_mobile_number_is_found_in_any_surroundings(before: str, digits: str, separator: str) -> None:
    number = separator.join(["0812", digits[:4], digits[4:]])
    masked = READER.mask(f"{before} {number} selesai")
    assert digits[:4] + separator + digits[4:] not in masked
