"""A double of Telegram's sender after tdlib/telegram-bot-api, WebhookActor.cpp, against the real route."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
from fastapi import FastAPI

from ingestors import webhooks
from ingestors.telegram import CHANNEL
from ingestors.telegram.receive import HEADER, TelegramWebhook
from ingestors.telegram.settings import TelegramSettings
from ingestors.telegram.vendor import inbound, update
from ingestors.vendor import Person
from tests.channels import FixedClock, MemoryIntake

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LIFE = timedelta(hours=24)


@dataclass
class WebhookActor:
    """One queue a chat, whose head is repeated until 2xx or its 24 hours are over; time is the test's."""

    client: httpx.AsyncClient
    secret: str
    now: datetime = NOW
    queues: dict[int, deque[tuple[datetime, bytes]]] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    lost_answers: int = 0

    def add(self, chat: int, body: bytes) -> None:
        self.queues.setdefault(chat, deque()).append((self.now, body))

    async def round(self) -> None:
        """Tries the head of every queue once; a failed one waits, and those behind it with it."""
        for queue in self.queues.values():
            while queue and self.now - queue[0][0] >= LIFE:
                queue.popleft()
            if not queue:
                continue
            answer = await self.client.post(
                "/webhooks/telegram",
                content=queue[0][1],
                headers={"Content-Type": "application/json", HEADER: self.secret},
            )
            if self.lost_answers:
                self.lost_answers -= 1
            elif answer.is_success:
                queue.popleft()
            else:
                self.waits.append(float(answer.headers.get("retry-after", 1)))


def actor(intake: MemoryIntake) -> WebhookActor:
    settings = TelegramSettings(_env_file=None)
    app = FastAPI()
    app.include_router(webhooks.routes({"telegram": TelegramWebhook(settings)}, intake, FixedClock(NOW)))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://city")
    return WebhookActor(client, settings.secret_token.get_secret_value())


def said(person: Person, text: str) -> bytes:
    return update({"message": inbound(person) | {"text": text}})


def texts(intake: MemoryIntake) -> list[Any]:
    return [msgspec.json.decode(raw.body)["message"]["text"] for raw in intake.raws]


async def test_order_of_a_chat_survives_an_outage_and_telegram_is_told_when_to_come_back() -> None:
    intake, siti, budi = MemoryIntake(away=True), Person("Siti Contoh"), Person("Budi Contoh")
    telegram = actor(intake)
    for chat, person in enumerate((siti, budi)):
        for n in range(3):
            telegram.add(chat, said(person, f"{chat}-{n}"))
    await telegram.round()
    assert telegram.waits == [float(webhooks.RETRY_AFTER_SECONDS)] * 2
    intake.away = False
    for _ in range(3):
        await telegram.round()
    assert [[one for one in texts(intake) if one[0] == chat] for chat in "01"] == [
        ["0-0", "0-1", "0-2"], ["1-0", "1-1", "1-2"],
    ]  # fmt: skip


async def test_lost_answer_gives_the_same_bytes_twice_and_one_key() -> None:
    intake = MemoryIntake()
    telegram = actor(intake)
    telegram.add(1, said(Person("Siti Contoh"), "Lampu mati"))
    telegram.lost_answers = 1
    await telegram.round()
    await telegram.round()
    first, second = intake.raws
    assert first.body == second.body
    assert len({part.decoded.key for raw in intake.raws for part in CHANNEL.decode(raw)}) == 1


async def test_what_waited_for_24_hours_is_given_up() -> None:
    intake = MemoryIntake(away=True)
    telegram = actor(intake)
    telegram.add(1, said(Person("Siti Contoh"), "Lampu mati"))
    await telegram.round()
    intake.away, telegram.now = False, NOW + LIFE
    await telegram.round()
    assert intake.raws == []


async def test_no_kind_of_update_stops_the_queue() -> None:
    intake = MemoryIntake()
    telegram = actor(intake)
    odd = [update({"new_kind": {}}), update({"message": 7}), b'{"update_id":1}', update({"poll": None})]
    for body in [*odd, said(Person("Siti Contoh"), "Lampu mati")]:
        telegram.add(1, body)
    for _ in range(5):
        await telegram.round()
    assert len(intake.raws) == 5
    assert not telegram.queues[1]
