"""What the demo tells: one complaint a channel, and what is special about it."""

from __future__ import annotations

import random
from dataclasses import dataclass

PARKING = "Jalur sepeda di Jl. Gunawarman dipakai buat parkir mobil, tolong ditertibkan @DKIJakarta"
REMARK = "Kapan ya Pemprov Sultra bisa begini?"
FLOODS = (
    "Banjir {depth} cm di Jl. {street}, air masuk rumah warga RT {rt:02d}/{rw:02d}, mohon pompa segera",
    "Tolong min, {street} tergenang banjir {depth} cm sejak subuh, RT {rt:02d} RW {rw:02d}",
    "Banjir lagi di {street} RT {rt:02d}/RW {rw:02d}, tinggi air {depth} cm, saluran meluap",
)
STREETS = ("Kemang Raya", "Bangka Raya", "Kemang Utara", "Ciledug Raya", "Petogogan", "Gunawarman", "Cipete Raya")


@dataclass(frozen=True)
class Story:
    """A complaint of an invented person, and perhaps what the same person writes next."""

    channel: str
    title: str
    person: str
    words: str
    photo: bool = False
    ticket: bool = True
    """Whether a ticket should come of it."""
    then: str = ""
    """A second message in the same thread, which joins the ticket."""


STORIES = (
    Story(
        "x", "parkir di jalur sepeda", "Siti Contoh", PARKING, photo=True,
        then="@DKIJakarta malam ini masih penuh mobil, sepeda terpaksa ke tengah jalan",
    ),
    Story("x", "obrolan, bukan laporan", "Wa Ode Contoh", REMARK, ticket=False),
    Story(
        "facebook", "sampah tidak diangkut", "Rina Contoh",
        "Sampah di TPS Jl. Raya Pasar Minggu sudah seminggu tidak diangkut, baunya menyengat", photo=True,
        then="Barusan lewat, tumpukannya sudah sampai ke badan jalan",
    ),
    Story(
        "instagram", "lampu merah mati", "Agus Contoh",
        "Lampu lalu lintas mati di perempatan Jl. Matraman Raya, macet dan membahayakan", photo=True,
        then="Sampai sore ini belum menyala juga dan sudah ada yang tabrakan",
    ),
    Story(
        "telegram", "saluran mampet", "Tono Contoh",
        "Saluran air di Jl. Cikini Raya mampet, air meluap ke jalan dan bau", photo=True,
        then="Sore ini airnya sudah masuk ke teras rumah warga",
    ),
    Story(
        "whatsapp", "pohon tumbang", "Joko Contoh",
        "Pohon tumbang menutup Jl. Wijaya I, mobil tidak bisa lewat, mohon segera dipotong", photo=True,
        then="Sudah dua jam belum ada petugas yang datang",
    ),
    Story(
        "email", "trotoar rusak", "Dewi Contoh",
        "Trotoar di Jl. Wolter Monginsidi rusak\n\nSelamat siang, trotoar di depan halte berlubang, membahayakan "
        "pejalan kaki.\nFoto terlampir.\n\nDewi Contoh\n081100000321\n",
        photo=True, then="Menyusul laporan saya: tadi pagi ada lansia yang jatuh di lubang itu.\n",
    ),
)  # fmt: skip


def flood(number: int) -> str:
    """One report of the burst."""
    pick = random.Random(number)  # noqa: S311 - variety, not secrecy
    return pick.choice(FLOODS).format(
        depth=pick.randrange(20, 120, 10), street=pick.choice(STREETS), rt=pick.randint(1, 15), rw=pick.randint(1, 9)
    )
