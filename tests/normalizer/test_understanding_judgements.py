"""Category, intent and language of citizens' messages."""

from __future__ import annotations

import csv
import io

import pytest

from normalizer.reader import Reader

READER = Reader.load()

SLUGS = """
jalan-rusak trotoar jembatan-jpo-halte lampu-jalan kabel-utilitas lampu-lalu-lintas rambu-marka parkir-liar kemacetan
angkutan-umum transjakarta pkl bangunan-liar reklame coretan sampah sampah-kali pencemaran-udara pencemaran-air
kebisingan saluran-air banjir kali-sungai pohon taman rptra makam air-bersih listrik kebakaran penyelamatan satwa
kesehatan asap-rokok pendidikan bantuan-sosial penyandang-masalah-sosial kependudukan perizinan ketenagakerjaan
pajak-retribusi rusun-permukiman pertanahan pasar-pangan ketertiban-umum
narkoba-kriminal pungli pelayanan-aparatur fasilitas-umum internet-cctv
pariwisata-budaya olahraga umkm-koperasi bumd lainnya
"""

CATEGORIES = """
parkir-liar: Jalur sepeda di Jl. Gunawarman dipakai buat parkir mobil
parkir-liar: banyak motor parkir di trotoar
parkir-liar: jukir liar minta 10rb
trotoar: trotoarnya rusak, ada lobang
pkl: PKL jualan di atas trotoar
sampah: smapah blm diangkut seminggu
sampah-kali: sampah menumpuk di kali
air-bersih: Air PAM mati dari kemarin
listrik: listrik rumah saya padam
lampu-jalan: PJU mati gelap sekali
pohon: pohon mau tumbang kena kabel
pohon: PJU ketutupan pohon tolong dipangkas
banjir: banjirrrr selutut di kemang
jalan-rusak: jln depan rmh sy rusak parah
saluran-air: got mampet bau
kali-sungai: turap longsor
transjakarta: busway lama banget datangnya
pendidikan: KJP anak saya ga cair
kependudukan: KTP saya belum jadi 3 bulan
kesehatan: puskesmas antri lama
kebisingan: tetangga karaoke sampai malam
penyelamatan: ada ular masuk rumah
reklame: spanduk partai dipasang di pohon
pencemaran-udara: tetangga bakar sampah
asap-rokok: orang merokok di dalam mall
lampu-lalu-lintas: lampu merah matraman mati
kabel-utilitas: kabel semrawut menjuntai
bangunan-liar: bangunan tanpa IMB di sebelah rumah
kebakaran: kebakaran di tambora tolong damkar
bantuan-sosial: bansos tidak tepat sasaran
pelayanan-aparatur: petugas kelurahan tidak ramah
sampah: sudah berulang kali lapor sampah di Rawa Buaya
"""


def cases(table: str) -> list[tuple[str, str]]:
    return [tuple(line.split(": ", 1)) for line in table.strip().splitlines()]  # type: ignore[misc]


@pytest.mark.parametrize(("slug", "text"), cases(CATEGORIES))
def test_category_by_words(slug: str, text: str) -> None:
    category = READER.read(text).category
    assert category.value == slug
    assert category.confidence >= 0.4
    assert any(reason.startswith("kata ") for reason in category.reasons)


def test_every_agreed_category_exists_with_a_name() -> None:
    names = READER.category_names()
    assert set(names) == set(SLUGS.split())
    assert all(names.values())


def test_nothing_known_is_other_with_little_confidence() -> None:
    category = READER.read("xyzzy plugh").category
    assert category.value == "lainnya"
    assert category.confidence <= 0.2


def test_the_senders_choice_is_a_prior_that_words_overrule() -> None:
    assert READER.read("foto menyusul", category="Pohon").category.value == "pohon"
    assert READER.read("foto menyusul", category="Pohon").category.confidence < 0.75
    assert READER.read("PJU mati, gelap gulita", category="Sampah").category.value == "lampu-jalan"


def test_a_choice_is_known_in_any_case_with_blanks_and_by_slug() -> None:
    for choice in ("Parkir Liar", "parkir  liar ", "parkir-liar"):
        assert READER.read("tolong", category=choice).category.value == "parkir-liar"


def test_an_unknown_choice_is_named_without_being_quoted() -> None:
    category = READER.read("got mampet", category="Rumah Budi 0812").category
    assert category.value == "saluran-air"
    assert "pilihan pelapor tidak ada di daftar kategori" in category.reasons
    assert not any("Budi" in reason for reason in category.reasons)


JAKI = """Jalan,Trotoar,Sampah,Pohon,"Saluran Air, Kali/Sungai",PKL Liar,Banjir,Puskesmas,Kartu Jakarta Pintar,PPDB
Reklame/Spanduk,KDM dan Iklan Rokok,"Keluhan Fasilitas Gedung Pemda (sekolah, kantor)",PDAM/PAM,RPTRA,Pungutan Liar
KTP Elektronik (KTP-El),"Penataan Permukiman (Kampung Deret, Bedah Rumah, DLL)",Gangguan dan Kebisingan,Kearsipan
Tutup Saluran,Orang Hilang,Statistik Daerah"""


@pytest.mark.parametrize("choice", [name for row in csv.reader(io.StringIO(JAKI)) for name in row])
def test_jaki_names_point_to_a_category(choice: str) -> None:
    category = READER.read("xyzzy", category=choice).category
    assert category.value != "lainnya"
    assert any("pilihan pelapor" in reason for reason in category.reasons)


PROBLEMS = """Jalur sepeda di Jl. Gunawarman dipakai buat parkir mobil, tolong ditertibkan @DKIJakarta
Wkwk jalan depan rumah bolong lagi
Mantap, sudah 3 bulan lampu mati
Keren trotoar baru, tapi tetap dipakai parkir
Bekasi aja bagus, kok Cakung banjir mulu?
Kapan banjir Kemang surut ya wkwk
Halo min, got depan rumah mampet
Katanya jakarta keren tapi jalannya ancur haha
Got mampet, iri sama Surabaya
Kok bisa begini pak?
Iri sama Bandung, trotoar kita kapan begini
JK2306180342 belum ada kabar
Selamat malam, mau lapor
Ga ada petugas sama sekali
dalan rusak pak
jalanna ruksak pisan
street light is off near my house
Foto menyusul
Bocor
hujan dikit langsung tenggelam
Hahaha lihat nih kelakuan pengendara di sini
Pagi semua, tetangga di Tebet setel musik keras
Alhamdulillah akhirnya... mati lagi airnya
Ada iklan slot gacor ditempel di tiang Jl. Gunawarman, tolong dicopot""".splitlines()


@pytest.mark.parametrize("text", PROBLEMS)
def test_a_problem_is_never_chatter_praise_or_spam(text: str) -> None:
    assert READER.read(text).intent.value in {"complaint", "question", "suggestion"}


INTENTS = """
chatter: Kapan ya Pemprov Sultra bisa begini?
chatter: Iri deh sama Jakarta, Bekasi kapan ya bisa begini
chatter: Halo min
chatter: ok siap
chatter: tes
chatter: Hahaha lucu
question: Bagaimana cara mengurus KTP hilang?
question: Apa syarat daftar KJP?
question: Kapan PPDB dibuka?
question: Mau tanya, jam buka puskesmas Tebet?
suggestion: Saran saya sebaiknya ditambah taman bermain
suggestion: Usul dong bikin jalur sepeda di Sunter
praise: Terima kasih lampunya sudah diperbaiki
praise: Apresiasi untuk petugas PPSU Kelurahan Selong
praise: Terima kasih sudah ditindaklanjuti
spam: SLOT GACOR maxwin hari ini link di bio
spam: Promo diskon besar klik link bit.ly/abc
complaint: sampah menumpuk di depan SD, mohon diangkut
empty: 😂😂
empty: ...
empty: https://t.co/abc
empty: @DKIJakarta
"""


@pytest.mark.parametrize(("intent", "text"), cases(INTENTS))
def test_intent(intent: str, text: str) -> None:
    judged = READER.read(text).intent
    assert judged.value == intent
    assert judged.reasons


def test_what_fits_nothing_is_a_doubtful_complaint() -> None:
    intent = READER.read("qwerty asdf").intent
    assert intent.value == "complaint"
    assert intent.confidence < 0.4


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("id", "Lampu jalan di depan rumah saya mati sudah seminggu, tolong diperbaiki"),
        ("jv", "Dalane akeh sing bolong nang ngarep omah, nyuwun didandani"),
        ("su", "Punten, jalanna ruksak pisan, hoyong geura dibenerkeun atuh"),
        ("en", "Please fix the street light in front of my house"),
        ("other", "请修路"),
    ],
)
def test_language(language: str, text: str) -> None:
    assert READER.read(text).language.value == language
