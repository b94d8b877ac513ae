"""The private names of Faust that ``pipeline.batch`` leans on. Each test says what breaks without it."""

from __future__ import annotations

import importlib.metadata
import inspect

import faust
from faust.stores import rocksdb
from faust.transport import consumer as base
from faust.transport.drivers import aiokafka as driver


def test_faust_is_the_version_that_was_measured() -> None:
    assert importlib.metadata.version("faust-streaming") == "0.15.3"


def test_the_fetcher_drains_through_the_method_we_replace() -> None:
    assert list(inspect.signature(base.Consumer._drain_messages).parameters) == ["self", "fetcher"]
    assert "_drain_messages(" in inspect.getsource(base.Fetcher)


def test_records_come_by_partition_with_the_active_ones() -> None:
    assert list(inspect.signature(base.Consumer._wait_next_records).parameters) == ["self", "timeout"]


def test_commits_ask_new_offset_for_every_partition_in_acked() -> None:
    assert list(inspect.signature(base.Consumer._new_offset).parameters) == ["self", "tp"]
    assert "in self._acked" in inspect.getsource(base.Consumer._filter_tps_with_pending_acks)
    assert "self._new_offset(tp)" in inspect.getsource(base.Consumer._filter_committable_offsets)


def test_read_offsets_decide_what_is_fresh() -> None:
    assert "self._read_offset.pop(tp, None)" in inspect.getsource(base.Consumer.on_partitions_revoked)
    assert "read_offset.update" in inspect.getsource(base.Consumer.perform_seek)


def test_rebalances_wait_for_the_batch_in_hand() -> None:
    assert inspect.iscoroutinefunction(base.Consumer.wait_empty)
    assert "_consumer_wait_empty" in inspect.getsource(faust.App._on_partitions_revoked)


def test_the_app_makes_the_transport_we_replace() -> None:
    assert "self._new_transport()" in inspect.getsource(type(faust.App.transport) and faust.App.transport.fget)
    assert driver.Transport.Consumer is driver.Consumer


def test_changelog_records_become_faust_messages() -> None:
    assert list(inspect.signature(driver.Consumer._to_message).parameters) == ["self", "tp", "record"]


def test_the_table_store_is_one_database_a_partition() -> None:
    assert list(inspect.signature(rocksdb.Store._db_for_partition).parameters) == ["self", "partition"]
    assert rocksdb.Store.offset_key == b"__faust\0offset__"
    assert list(inspect.signature(rocksdb.Store._visible_items).parameters) == ["self", "db"]
