"""What must not come in, and what must not hold up the others, over real HTTP and SMTP."""

from __future__ import annotations

import smtplib
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaConsumer, TopicPartition

from ingestors.email import vendor
from ingestors.email.settings import EmailSettings
from ingestors.vendor import Person
from schemas.base import encode
from tests.e2e.conftest import City
from tests.e2e.senders import complaint, deliver, mail, marker, post, search, settled, signed, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CRASHERS = Path(__file__).parents[2] / "ingestors" / "email" / "fixtures" / "crashers"
EMAIL = EmailSettings()
MIB = 1024 * 1024


def on_kafka(city: City, topic: str = "crm.raw.whatsapp") -> int:
    """End offsets of the topic, added up."""
    consumer = KafkaConsumer(bootstrap_servers=[city.kafka], enable_auto_commit=False)
    try:
        parts = [TopicPartition(topic, part) for part in consumer.partitions_for_topic(topic) or ()]
        return sum(consumer.end_offsets(parts).values())
    finally:
        consumer.close()


def good_mail(mark: str) -> bytes:
    words = f"Trotoar di Jl. Wolter Monginsidi berlubang dan membahayakan pejalan kaki {mark}"
    return bytes(vendor.mail(EMAIL, Person("Dewi Contoh"), "Trotoar rusak", words))


def test_refusals_are_problems_and_leave_nothing_on_kafka(city: City) -> None:
    before = on_kafka(city)
    body = complaint(marker())
    big = b'{"object": "' + b"x" * (4 * MIB) + b'"}'
    foreign = b'{"hello": "world"}'
    page = b'{"object": "page", "entry": []}'
    answers = {
        "no signature": (post(city, body, {"Content-Type": "application/json"}), 401),
        "wrong signature": (post(city, body, signed(body + b" ")), 401),
        "too large": (post(city, big), 413),
        "content type": (post(city, body, signed(body) | {"Content-Type": "text/xml"}), 415),
        "not json": (post(city, b"{"), 400),
        "foreign json": (post(city, foreign), 400),
        "foreign object": (post(city, page), 400),
        "unknown channel": (post(city, body, channel="fax"), 404),
    }
    for name, (answer, status) in answers.items():
        assert answer.status_code == status, name
        assert answer.headers["content-type"] == "application/problem+json", name
        assert answer.json()["status"] == status, name
        assert answer.json()["code"].startswith("webhook."), name
    assert on_kafka(city) == before


def test_a_broken_message_is_a_dead_letter_and_its_neighbour_a_ticket(city: City) -> None:
    mark = marker()
    before = len(search(city, "pengaduan-gagal", {"term": {"reason": "whatsapp.unreadable"}}))
    delivery = msgspec.json.decode(complaint(mark))
    delivery["entry"][0]["changes"][0]["value"]["messages"].insert(0, {"id": 5, "type": ["text"]})
    deliver(city, encode(delivery))
    assert len(settled(city, mark)) == 1
    assert until(lambda: len(search(city, "pengaduan-gagal", {"term": {"reason": "whatsapp.unreadable"}})) > before)


def test_mails_that_break_parsers_hold_up_nobody(city: City) -> None:
    mark = marker()
    before = city.children()
    for file in sorted(CRASHERS.glob("*.eml")):
        mail(city, file.read_bytes())
    mail(city, good_mail(mark))
    assert len(settled(city, mark)) == 1, city.logs()
    assert city.children() == before


def test_a_mail_of_20_mb_is_taken_and_one_of_30_mb_refused(city: City) -> None:
    mark = marker()
    message = vendor.mail(EMAIL, Person("Dewi Contoh"), "Trotoar rusak", f"Trotoar berlubang {mark}")
    message.add_attachment(b"\xff\xd8\xff" + bytes(14 * MIB), maintype="image", subtype="jpeg", filename="a.jpg")
    mail(city, bytes(message))
    found = settled(city, mark)
    assert [len(case.attachments) for case in found] == [1]
    with pytest.raises(smtplib.SMTPException) as refused:
        mail(city, bytes(message) + b"x\r\n" * (11 * MIB // 3))
    assert "552" in str(refused.value)
