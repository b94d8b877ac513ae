"""One complaint of each kind walks the whole way: channel, ticket, agency, clock, answer, search view."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from elasticsearch import Elasticsearch

from schemas.base import decode, encode
from schemas.case import Case
from tests.e2e.conftest import City

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def demo(city: City) -> dict[str, Any]:
    return city.demo()


def story(demo: dict[str, Any], start: str) -> dict[str, Any]:
    return next(one for one in demo["complaints"] if one["story"].startswith(start))


def case_of(city: City, ticket_id: str) -> Case:
    search = Elasticsearch(city.elasticsearch)
    try:
        return decode(encode(search.get(index="pengaduan-kasus", id=ticket_id)["_source"]["case"]), Case)
    finally:
        search.close()


def test_parking_on_the_cycle_lane_goes_to_dishub(demo: dict[str, Any]) -> None:
    found = story(demo, "X (Twitter): parkir")
    assert (found["category"], found["place"], found["unit"]) == ("parkir-liar", "Selong", "Dinas Perhubungan")
    assert found["due_at"] is not None


def test_a_remark_makes_no_ticket(demo: dict[str, Any]) -> None:
    assert story(demo, "X (Twitter): obrolan")["number"] is None


def test_a_place_sent_later_and_a_mail_in_the_thread_join_their_tickets(demo: dict[str, Any]) -> None:
    assert story(demo, "WhatsApp: lokasi")["number"] == story(demo, "WhatsApp: lampu")["number"]
    assert story(demo, "Surel: trotoar rusak, susulan")["number"] == story(demo, "Surel: trotoar rusak")["number"]


def test_a_burst_of_fifty_makes_fifty_numbers(demo: dict[str, Any]) -> None:
    numbers = [one["number"] for one in demo["complaints"] if one["story"].startswith("WhatsApp: banjir")]
    assert len(set(numbers)) == len(numbers) == 50
    day = datetime.now(UTC).strftime("%y")
    assert all(re.fullmatch(rf"JK{day}\d{{8,}}", number) for number in numbers)


def test_facts_are_numbered_without_gaps_and_every_complaint_is_answered_once(city: City, demo: dict[str, Any]) -> None:
    search = Elasticsearch(city.elasticsearch)
    for one in demo["complaints"]:
        if one["ticket_id"] is None:
            continue
        case = case_of(city, one["ticket_id"])
        assert [fact.seq for fact in case.history] == list(range(1, case.seq + 1))
        assert {fact.kind for fact in case.history} >= {"received", "sla_scheduled"}
        answers = _until(lambda found=one: _answers(search, found["ticket_id"]))
        assert [answer["template"] for answer in answers] == ["diterima"]
        assert answers[0]["state"] == "recorded"
    search.close()


def _answers(search: Elasticsearch, ticket_id: str) -> list[dict[str, Any]]:
    found = search.search(index="pengaduan-jawaban", query={"term": {"ticket_id": ticket_id}})
    return [hit["_source"] for hit in found["hits"]["hits"]]


def _until(look: Any, seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def test_each_tracking_address_opens(demo: dict[str, Any]) -> None:
    for one in demo["complaints"][:6]:
        if one["tracking"]:
            page = httpx.get(one["tracking"])
            assert page.status_code == 200
            assert one["number"] in page.text
            assert "noindex" in page.headers.get("x-robots-tag", "") + page.text


def test_an_unsigned_delivery_is_refused(city: City) -> None:
    answer = httpx.post(f"{city.base_url}/webhooks/whatsapp", json={"object": "whatsapp_business_account", "entry": []})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_processes_are_back_after_sigkill_and_nothing_is_doubled(city: City, demo: dict[str, Any]) -> None:
    import os
    import signal

    before = city.children()
    assert set(before) == {"normalizer", "router", "responder", "webhooks"}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    again = city.demo()
    numbers = [one["number"] for one in again["complaints"] if one["story"].startswith("WhatsApp: banjir")]
    assert len(set(numbers)) == 50
    earlier = {one["number"] for one in demo["complaints"]}
    assert not earlier & set(numbers)
    after = city.children()
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
