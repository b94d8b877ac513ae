"""The outbox: each answer leaves once, waits for a vendor that is away, and its link is only in what is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import Backpressure, InvalidItem, TransientError, Unavailable
from responder.outbox import GIVE_UP_AFTER, ReplyOutbox
from responder.wording import LINK
from tests.responder.desk import ACCOUNT, HandClock, Paper, Vendor, open_vault, register, reply
from vault.store import Vault

BASE = "https://lapor.contoh"


class Post:
    """An outbox, what it is given and what comes of it."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.vault: Vault = open_vault(folder, self.clock)
        self._folder = folder
        self.paper = Paper()
        self.vendor: Vendor | None = Vendor()
        self.ticket = register(self.vault)
        self.outbox = self.make()

    def make(self) -> ReplyOutbox:
        return ReplyOutbox({"whatsapp": self.vendor}, self.vault, self.paper, f"{BASE}/", self.clock)

    def restart(self) -> None:
        """Another process over the same vault; nothing in memory survives."""
        self.vault.close()
        self.vault = open_vault(self._folder, self.clock)
        self.outbox = self.make()

    def away(self, *failures: Exception) -> Vendor:
        self.vendor = Vendor(*failures)
        self.outbox = self.make()
        return self.vendor

    @property
    def states(self) -> list[str]:
        return [one.state for one in self.paper.replies]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(tmp_path)
    yield made
    made.vault.close()


async def test_answer_reaches_the_citizen_with_a_link_that_works(post: Post) -> None:
    vendor = post.away()
    await post.outbox.deliver([reply(post.ticket)])
    (sent,) = vendor.sent
    token = sent.text.rsplit("/", 1)[1]
    assert sent.text == f"Terima kasih, pantau di {BASE}/lacak/{token}"
    assert post.vault.resolve(token) == (post.ticket, "pelapor")
    assert (sent.to.phone, sent.account, sent.external_id) == ("+6281200000001", ACCOUNT, "m1")
    assert (sent.last_inbound_at, sent.now) == (post.clock.now(), post.clock.now())


async def test_public_answer_carries_the_weaker_token(post: Post) -> None:
    vendor = post.away()
    await post.outbox.deliver([reply(post.ticket, scope="lihat")])
    assert post.vault.resolve(vendor.sent[0].text.rsplit("/", 1)[1]) == (post.ticket, "lihat")


async def test_link_never_stands_on_the_bus_nor_in_the_vaults_waiting_row(post: Post) -> None:
    post.away(TransientError("away"))
    await post.outbox.deliver([reply(post.ticket), reply(post.ticket, "r2")])
    tokens = [post.vault.token(post.ticket, scope).encode() for scope in ("lihat", "pelapor")]
    waiting = post.vault.due_replies(post.clock.now() + timedelta(days=1))
    written = b"".join(record.value or b"" for record in post.paper.records) + b"".join(waiting)
    assert len(waiting) == 1
    assert not any(token in written for token in tokens)
    assert b"6281200000001" not in written
    assert LINK.encode() in written


async def test_sent_once_however_often_it_is_read(post: Post) -> None:
    vendor = post.away()
    for _ in range(3):
        await post.outbox.deliver([reply(post.ticket), reply(post.ticket)])
    post.restart()
    await post.outbox.deliver([reply(post.ticket)])
    assert (len(vendor.sent), post.states) == (1, ["sent"])


async def test_answers_of_one_ticket_leave_in_order(post: Post) -> None:
    vendor = post.away()
    await post.outbox.deliver([reply(post.ticket, f"r{n}", text=f"{n} {LINK}") for n in range(5)])
    assert [one.text[0] for one in vendor.sent] == list("01234")


async def test_claimed_by_a_process_that_died_is_sent_again(post: Post) -> None:
    vendor = post.away()
    assert post.vault.claim_reply("r1")
    post.restart()
    await post.outbox.deliver([reply(post.ticket)])
    assert (len(vendor.sent), post.states) == (1, ["sent"])


async def test_without_credentials_it_is_recorded_once_in_the_vault_and_shown(post: Post) -> None:
    post.vendor = None
    post.outbox = post.make()
    await post.outbox.deliver([reply(post.ticket)])
    memory = post.vault.reply_state("r1")
    assert memory is not None
    assert (memory.state, post.states) == ("recorded", ["recorded"])
    vendor = post.away()
    await post.outbox.deliver([reply(post.ticket)])
    assert vendor.sent == []


async def test_credentials_that_are_taken_out_do_not_unsend(post: Post) -> None:
    post.away()
    await post.outbox.deliver([reply(post.ticket)])
    post.vendor = None
    post.outbox = post.make()
    await post.outbox.deliver([reply(post.ticket)])
    assert post.states == ["sent"]


async def test_waiting_answer_is_recorded_when_the_credentials_are_taken_out(post: Post) -> None:
    post.away(TransientError("away"))
    await post.outbox.deliver([reply(post.ticket)])
    post.vendor = None
    post.restart()
    post.clock.advance(seconds=5)
    await post.outbox.retry_due()
    memory = post.vault.reply_state("r1")
    assert memory is not None
    assert (memory.state, post.states) == ("recorded", ["recorded"])
    assert post.vault.due_replies(post.clock.now() + timedelta(days=9)) == []


async def test_refused_for_good_is_told_and_not_repeated(post: Post) -> None:
    vendor = post.away(InvalidItem("whatsapp.window-closed"))
    await post.outbox.deliver([reply(post.ticket)])
    await post.outbox.deliver([reply(post.ticket)])
    assert [(one.state, one.error) for one in post.paper.replies] == [("failed", "whatsapp.window-closed")]
    assert vendor.sent == []


async def test_erased_citizen_is_not_answered(post: Post) -> None:
    vendor = post.away()
    post.vault.erase_person(post.vault.pseudonym("whatsapp", ACCOUNT, "ID.1"))
    await post.outbox.deliver([reply(post.ticket)])
    assert [(one.state, one.error) for one in post.paper.replies] == [("given_up", "responder.no-contact")]
    assert vendor.sent == []


async def test_vendor_that_is_away_is_asked_again_when_it_is_due_also_after_a_restart(post: Post) -> None:
    vendor = post.away(TransientError("away"), TransientError("away"))
    await post.outbox.deliver([reply(post.ticket)])
    await post.outbox.retry_due()
    assert (vendor.sent, len(vendor.failures)) == ([], 1)
    post.clock.advance(seconds=5)
    await post.outbox.retry_due()
    post.restart()
    post.clock.advance(seconds=29)
    await post.outbox.retry_due()
    assert vendor.sent == []
    post.clock.advance(seconds=1)
    await post.outbox.retry_due()
    assert (len(vendor.sent), [(one.state, one.attempt) for one in post.paper.replies]) == (1, [("sent", 3)])
    post.clock.advance(hours=9)
    await post.outbox.retry_due()
    assert len(vendor.sent) == 1


async def test_pause_that_the_vendor_asks_for_is_kept(post: Post) -> None:
    vendor = post.away(Backpressure(90))
    await post.outbox.deliver([reply(post.ticket)])
    post.clock.advance(seconds=89)
    await post.outbox.retry_due()
    assert vendor.sent == []
    post.clock.advance(seconds=1)
    await post.outbox.retry_due()
    assert len(vendor.sent) == 1


async def test_vendor_that_stays_away_is_given_up_on(post: Post) -> None:
    post.away(*[TransientError("away")] * 2)
    await post.outbox.deliver([reply(post.ticket)])
    post.clock.advance(seconds=GIVE_UP_AFTER.total_seconds() + 1)
    await post.outbox.retry_due()
    assert [(one.state, one.error) for one in post.paper.replies] == [("given_up", "responder.too-late")]


async def test_one_waiting_answer_holds_up_no_other_ticket(post: Post) -> None:
    other = register(post.vault, "m2")
    vendor = post.away(TransientError("away"))
    await post.outbox.deliver([reply(post.ticket), reply(other, "r2")])
    assert (len(vendor.sent), post.states) == (1, ["sent"])
    post.clock.advance(seconds=5)
    await post.outbox.retry_due()
    assert {one.id for one in vendor.sent} == {"r1", "r2"}


async def test_kafka_away_after_sending_repeats_the_batch_but_not_the_message(post: Post) -> None:
    vendor = post.away()
    post.paper.away = True
    with pytest.raises(Unavailable):
        await post.outbox.deliver([reply(post.ticket)])
    post.paper.away = False
    await post.outbox.deliver([reply(post.ticket)])
    assert len(vendor.sent) == 1


async def test_citizens_answer_to_our_message_finds_the_ticket(post: Post) -> None:
    post.away()
    await post.outbox.deliver([reply(post.ticket)])
    ours = post.vault.hash_of("message", "whatsapp", ACCOUNT, "wamid.ours-1")
    assert post.vault.lookup([], [ours]).messages == {ours: post.ticket}
