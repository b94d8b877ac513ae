"""What the desk, an officer and a citizen live through, from the outside of the stage."""

from __future__ import annotations

from schemas.ticket import AttachmentRef, Place
from tests.casework.office import (
    CITIZEN,
    COUNTER,
    DESK,
    TICKET,
    Office,
    assignment,
    command,
    hours,
    officer,
    opened,
    reading,
    ticket,
)

DBM = officer("DBM")
DISHUB = officer("DISHUB")


def test_the_officers_day() -> None:
    office = opened()
    assert (office.case.status, office.case.unit, office.case.unit_name) == ("menunggu", "DBM", "Dinas Bina Marga")
    office.take(command("accept", DBM, seen=office.case.seq))
    assert office.case.status == "proses"
    office.take(command("progress", DBM, text="Tim di lokasi"), command("extend", DBM, until=hours(100)))
    assert (office.case.status, office.facts[-1].until) == ("proses", hours(100))
    office.take(command("close", DBM, at=hours(30), text="Sudah ditambal", seen=office.case.seq))
    assert (office.case.status, office.case.resolved_at) == ("selesai", hours(30))
    assert office.kinds == ["received", "routed", "accepted", "progressed", "extended", "resolved"]


def test_an_officer_forwards_and_loses_the_ticket() -> None:
    office = opened()
    office.take(command("forward", DBM, unit="DISHUB", text="Ini rambu"))
    assert (office.case.status, office.case.unit) == ("koordinasi", "DISHUB")
    office.take(command("accept", DBM))
    assert office.facts[-1].reason == "wrong-unit"
    assert office.take(command("accept", DISHUB, "c-2")).status == "proses"


def test_the_desk_chooses_the_unit_of_a_ticket_in_review() -> None:
    office = Office()
    office.take(ticket(), assignment(None))
    assert (office.case.status, office.case.unit) == ("tinjauan", None)
    assert office.take(command("accept", DBM)).status == "tinjauan"
    office.take(command("assign", DESK, unit="KEL:31.74.07.1009"))
    assert (office.case.status, office.case.unit_name) == ("menunggu", "Kelurahan Selong")
    assert office.kinds == ["received", "review", "refused", "assigned"]


def test_the_desk_asks_where_it_is_and_gets_the_ticket_back() -> None:
    office = Office()
    office.take(ticket(), assignment(None), command("ask", DESK, text="Di mana lokasinya?"))
    assert (office.case.status, office.case.question) == ("menunggu_warga", "Di mana lokasinya?")
    office.take(command("answer", CITIZEN, text="Depan masjid"))
    assert (office.case.status, office.case.question) == ("tinjauan", None)


def test_the_desk_closes_what_is_not_the_citys() -> None:
    office = Office()
    office.take(ticket(), assignment(None), command("close", DESK, text="Lokasi di Bekasi"))
    assert office.case.status == "selesai"


def test_the_citizen_answers_rates_and_reopens() -> None:
    office = opened()
    office.take(command("accept", DBM), command("ask", DBM, text="Sisi mana?"))
    office.take(command("answer", CITIZEN, text="Sisi utara"))
    assert (office.case.status, office.case.question) == ("proses", None)
    office.take(command("close", DBM, at=hours(10), text="Selesai"), command("rate", CITIZEN, rating=2))
    assert (office.case.status, office.case.rating) == ("selesai", 2)
    office.take(command("reopen", CITIZEN, at=hours(20), text="Masih rusak"))
    assert (office.case.status, office.case.rating, office.case.resolved_at) == ("proses", None, None)


def test_a_reply_where_it_was_asked_is_the_answer() -> None:
    office = opened()
    office.take(command("ask", DBM, text="Sisi mana?"), ticket("followup", text="Utara", at=hours(2)))
    assert (office.kinds[-1], office.case.status, office.facts[-1].text) == ("answered", "proses", "Utara")


def test_what_somebody_else_says_in_the_thread_is_no_answer() -> None:
    office = opened()
    office.take(command("ask", DBM, text="Sisi mana?"), ticket("followup", text="Di sini juga", author="p2"))
    assert (office.kinds[-1], office.case.status) == ("followup", "menunggu_warga")


def test_a_clerk_at_the_counter_may_reopen_for_the_citizen() -> None:
    office = opened()
    office.take(command("close", DBM, text="Selesai"), command("reopen", COUNTER, at=hours(1)))
    assert office.case.status == "proses"


def test_a_followup_to_a_closed_ticket_is_recorded_and_reopens_nothing() -> None:
    office = opened()
    photo = AttachmentRef(media_type="image/jpeg", size=10)
    office.take(command("close", DBM, text="Selesai"), ticket("followup", text="Belum!", attachments=(photo,)))
    assert (office.case.status, office.facts[-1].text, office.facts[-1].evidence) == ("selesai", "Belum!", (photo,))
    assert office.case.attachments == (photo,)
    assert office.facts[-1].source_event == "e-followup"


def test_a_point_sent_after_the_text_gives_the_ticket_its_place() -> None:
    office = opened()
    place = Place(
        method="polygon", confidence=0.95, kelurahan_code="31.74.07.1009", kelurahan="Selong", lat=-6.2, lon=106.8
    )
    office.take(ticket("followup", text="", reading=reading(place=place)))
    assert office.case.place == place
    office.take(ticket("followup", "e-2", reading=reading(place=Place(method="text", confidence=0.4))))
    assert office.case.place == place


def test_only_a_newer_version_replaces_the_text() -> None:
    office = opened()
    office.take(ticket("amended", "v3", version=3, text="Tiga", reading=reading("trotoar")))
    office.take(ticket("amended", "v2", version=2, text="Dua"))
    assert office.case.text == "Tiga"
    assert office.case.category is not None
    assert office.case.category.value == "trotoar"
    assert office.kinds[-2:] == ["amended", "amended"]
    assert office.facts[-1].reason == "older-version"


def test_a_withdrawal_takes_the_words_and_a_late_edit_does_not_bring_them_back() -> None:
    office = opened()
    office.take(ticket("withdrawn", text=""), ticket("amended", version=9, text="Kembali"))
    assert (office.case.status, office.case.text, office.case.attachments) == ("dicabut", "", ())
    office.take(command("accept", DBM))
    assert office.facts[-1].reason == "wrong-status"


def test_deleting_the_message_does_not_undo_finished_work() -> None:
    office = opened()
    office.take(command("close", DBM, text="Selesai"), ticket("withdrawn", text=""))
    assert (office.case.status, office.case.text) == ("selesai", "")


def test_the_router_decides_again_after_an_edit_while_nobody_took_it() -> None:
    office = opened()
    office.take(assignment("DISHUB", "r-2"))
    assert (office.case.unit, office.kinds[-1]) == ("DISHUB", "routed")
    office.take(assignment("DISHUB", "r-3"), assignment(None, "r-4"))
    assert (office.case.unit, office.case.status, office.kinds[-2:]) == ("DISHUB", "menunggu", ["noted", "noted"])


def test_the_router_takes_no_ticket_from_people() -> None:
    office = opened()
    office.take(command("accept", DBM), assignment("DISHUB", "r-2"))
    assert (office.case.unit, office.case.status, office.kinds[-1]) == ("DBM", "proses", "noted")
    assert "Dinas Perhubungan" in (office.facts[-1].text or "")


def test_facts_carry_what_others_need_of_the_case() -> None:
    office = opened()
    fact = office.take(command("accept", DBM, at=hours(3))).history[-1]
    assert (fact.ticket_id, fact.number, fact.channel, fact.account) == (
        TICKET, "JK2611230001", "whatsapp", "628110000001",
    )  # fmt: skip
    assert (fact.author, fact.category, fact.public, fact.unit) == ("p1", "jalan-rusak", False, "DBM")
    assert (fact.at, fact.cause, fact.actor) == (hours(3), "c-accept", DBM)
    assert fact.recorded_at > hours(1000)


def test_received_is_dated_when_the_city_had_it() -> None:
    office = opened()
    received = office.case.history[0]
    assert received.at == office.case.received_at > office.case.opened_at
