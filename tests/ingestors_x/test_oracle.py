"""X's own SDK as a second reader: it pages through our double, and sees in our fixtures the posts that we see."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from xdk import Client
from xdk.schemas import Post

import ingestors.x
from ingestors.x import CHANNEL
from ingestors.x.settings import XSettings
from pipeline.channel import Raw
from tests.ingestors_x.conftest import ACCOUNT, NOW, XDouble, post_id

FIXTURES = Path(ingestors.x.__path__[0]) / "fixtures"
NAMES = (
    "mentions_page_half_surrogate", "mentions_page_missing_root_float_id_errors",
    "mentions_page_retweet_bad_item_minimal_first_version", "search_page_post_spelling_note_edit_next_token",
    "xaa_mention_create", "xaa_edit_third_version", "xaa_reply_in_foreign_thread",
)  # fmt: skip


def test_the_vendors_client_pages_through_the_double_as_ours_does(double: XDouble) -> None:
    double.ids = [post_id(NOW - timedelta(minutes=number)) for number in range(7)]
    client = Client(base_url=double.base, bearer_token="demo-bearer")
    found = [post.id for page in client.users.get_mentions(ACCOUNT, max_results=5) for post in page.data or ()]
    assert found == [str(one) for one in sorted(double.ids, reverse=True)]


def ours(body: bytes) -> dict[str, Any]:
    raw = Raw("x", XSettings(_env_file=None).user_id, body, "application/json", NOW)
    parts = [part.decoded for part in CHANNEL.decode(raw)]
    return {one.item.external_id: one.item for one in parts if one.item is not None}


def posts(body: bytes) -> list[dict[str, Any]]:
    """Every post of a page or of an event, as X wrote it."""
    data = json.loads(body)["data"]
    return data if isinstance(data, list) else [data["payload"]]


@pytest.mark.parametrize("name", NAMES)
def test_the_vendors_models_see_the_same_posts(name: str) -> None:
    body = (FIXTURES / f"{name}.json").read_bytes()
    read, compared = ours(body), 0
    for written in posts(body):
        try:
            theirs = Post.model_validate(written)
        except ValueError:
            # Broken on purpose in the fixture: no complaint is lost over a broken link, so ours reads more.
            continue
        mine = read.get(str(theirs.id))
        if mine is not None:
            compared += 1
            assert mine.author.id == theirs.author_id
            assert theirs.created_at is None or mine.sent_at == datetime.fromisoformat(theirs.created_at)
    assert compared
