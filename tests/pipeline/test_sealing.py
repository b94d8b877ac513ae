from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sealing import Broken, RecordKey, seal, unseal

KEY = os.urandom(32)


@given(st.binary(max_size=2000))
def test_what_was_sealed_opens(plain: bytes) -> None:
    assert unseal(KEY, seal(KEY, plain, "crm.items"), "crm.items") == plain


def test_sealed_bytes_show_nothing() -> None:
    assert b"081200000001" not in seal(KEY, b"telepon 081200000001", "crm.items")


def test_a_record_moved_to_another_topic_does_not_open() -> None:
    with pytest.raises(Broken):
        unseal(KEY, seal(KEY, b"isi", "crm.items"), "crm.raw.x")


@given(st.integers(min_value=0, max_value=30), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_is_noticed(place: int, flip: int) -> None:
    sealed = bytearray(seal(KEY, b"isi", "c"))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(Broken):
        unseal(KEY, bytes(sealed), "c")


@given(st.binary(max_size=40))
def test_any_bytes_end_as_broken(data: bytes) -> None:
    with pytest.raises(Broken):
        unseal(KEY, data, "c")


def test_a_key_does_not_print_its_secret() -> None:
    assert KEY.hex() not in repr(RecordKey("id", KEY))
    assert repr(KEY) not in repr(RecordKey("id", KEY))
