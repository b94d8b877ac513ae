from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pipeline.errors import InvalidItem, Unavailable
from pipeline.settings import CoreSettings
from vault.store import Vault

PHOTO = b"\xff\xd8 foto rekaan " * 1000


def files(settings: CoreSettings) -> list[Path]:
    return [path for path in (settings.data_dir / "blobs").rglob("*") if path.is_file()]


def test_a_blob_comes_back_whole_from_another_process(vault: Vault, other: Vault) -> None:
    name = vault.put_blob(PHOTO, idempotency="wa/media/1", person=None, media_type="image/jpeg")
    assert other.get_blob(name) == PHOTO
    assert other.blob_type(name) == "image/jpeg"


def test_the_same_idempotency_gets_the_same_name(vault: Vault, other: Vault, settings: CoreSettings) -> None:
    first = vault.put_blob(PHOTO, idempotency="one", person=None, media_type="image/jpeg")
    assert other.put_blob(b"else", idempotency="one", person=None, media_type="image/png") == first
    assert vault.put_blob(PHOTO, idempotency="two", person=None, media_type="image/jpeg") != first
    assert vault.get_blob(first) == PHOTO
    assert len(files(settings)) == 2


@pytest.mark.parametrize("name", ["unknown", "", "../vault.db", "..", "/etc/passwd"])
def test_an_unknown_name_is_nothing(vault: Vault, name: str) -> None:
    assert vault.get_blob(name) is None
    assert vault.blob_type(name) is None


def test_a_file_is_the_owners_alone_and_unreadable(vault: Vault, settings: CoreSettings) -> None:
    name = vault.put_blob(PHOTO, idempotency="one", person=None, media_type="image/jpeg")
    [path] = files(settings)
    assert path.name == name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert b"foto rekaan" not in path.read_bytes()


def test_an_empty_blob_is_a_blob(vault: Vault) -> None:
    name = vault.put_blob(b"", idempotency="empty", person=None, media_type="text/plain")
    assert vault.get_blob(name) == b""


def test_a_lost_file_is_an_invalid_item_and_a_lost_folder_is_not(vault: Vault, settings: CoreSettings) -> None:
    name = vault.put_blob(PHOTO, idempotency="one", person=None, media_type="image/jpeg")
    folder = settings.data_dir / "blobs"
    folder.rename(settings.data_dir / "away")
    with pytest.raises(Unavailable, match="mount"):
        vault.get_blob(name)
    (settings.data_dir / "away").rename(folder)
    files(settings)[0].unlink()
    with pytest.raises(InvalidItem) as caught:
        vault.get_blob(name)
    assert caught.value.reason == "blob_missing"


def test_what_cannot_be_written_leaves_no_name(vault: Vault, settings: CoreSettings) -> None:
    folder = settings.data_dir / "blobs"
    folder.rmdir()
    folder.write_bytes(b"")
    with pytest.raises(Unavailable, match="data folder"):
        vault.put_blob(PHOTO, idempotency="one", person=None, media_type="image/jpeg")
    folder.unlink()
    folder.mkdir(0o700)
    assert vault.get_blob(vault.put_blob(PHOTO, idempotency="one", person=None, media_type="image/jpeg")) == PHOTO
