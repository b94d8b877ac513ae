"""Every channel of the registry keeps to the same layout, and every golden pair still says what it said."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import ingestors
from ingestors.registry import CHANNELS
from ingestors.vendor import Person, Photo, png, vendor_of
from pipeline.channel import Raw
from schemas.base import decode, encode
from schemas.item import Decoded
from tests.contract import nasty
from tests.contract.expect import expected_of

HOME = Path(ingestors.__path__[0])
RECEIVED = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NAMES = {
    "__init__.py", "settings.py", "payload.py", "receive.py", "decode.py", "reply.py", "vendor.py", "quality.yaml",
    "README.md", "fixtures", "test_channel.py",
}  # fmt: skip
PAIRS = [
    pytest.param(name, path, id=f"{name}-{path.stem}")
    for name in CHANNELS
    for path in sorted((HOME / name / "fixtures").iterdir())
    if path.is_file() and not path.name.endswith(".expected.json") and not path.name.startswith(".")
]


def decoded(name: str, body: bytes) -> list[Decoded]:
    vendor = vendor_of(name)
    account, content_type = vendor.account(CHANNELS[name].settings(_env_file=None)), vendor.content_type
    return [part.decoded for part in CHANNELS[name].decode(Raw(name, account, body, content_type, RECEIVED))]


def reasons(name: str) -> dict[str, str]:
    """The documented codes of a channel; its package exports them."""
    module: Any = __import__(f"ingestors.{name}", fromlist=["REASONS"])
    found: dict[str, str] = module.REASONS
    return found


def test_folders_and_registry_name_the_same_channels() -> None:
    folders = {path.name for path in HOME.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))}
    assert folders == set(CHANNELS)
    assert all(channel.name == name for name, channel in CHANNELS.items())


@pytest.mark.parametrize("name", CHANNELS)
def test_folder_has_every_required_name(name: str) -> None:
    assert NAMES - {path.name for path in (HOME / name).iterdir()} == set()


@pytest.mark.parametrize("name", CHANNELS)
def test_settings_follow_the_name_and_are_described(name: str) -> None:
    kind = CHANNELS[name].settings
    assert kind.model_config.get("env_prefix") == f"TANGGAP_{name.upper()}_"
    assert [field for field, info in kind.model_fields.items() if field != "env" and not info.description] == []


@pytest.mark.parametrize("name", CHANNELS)
def test_quality_says_what_is_open_and_why(name: str) -> None:
    document = yaml.safe_load((HOME / name / "quality.yaml").read_text(encoding="utf-8"))
    rules: dict[str, Any] = document.get("rules", document)
    assert rules
    for rule, entry in rules.items():
        state = entry if isinstance(entry, str) else entry.get("state", entry.get("status"))
        comment = None if isinstance(entry, str) else entry.get("comment")
        assert state in {"done", "todo", "exempt"}, rule
        assert state != "exempt" or comment, f"{rule} is exempt without a reason"


@pytest.mark.parametrize("name", CHANNELS)
def test_every_input_has_its_expectation_and_the_other_way_round(name: str) -> None:
    files = [path.name for path in (HOME / name / "fixtures").iterdir() if path.is_file() and path.name[0] != "."]
    expected = {one.removesuffix(".expected.json") for one in files if one.endswith(".expected.json")}
    assert expected
    assert expected == {Path(one).stem for one in files if not one.endswith(".expected.json")}


@pytest.mark.parametrize(("name", "path"), PAIRS)
def test_golden_pair(name: str, path: Path) -> None:
    found = decoded(name, path.read_bytes())
    assert found == expected_of(path, name)
    assert [decode(encode(one), Decoded) for one in found] == found


@pytest.mark.parametrize(("name", "path"), PAIRS)
def test_reasons_are_documented_and_keys_are_the_channels_own(name: str, path: Path) -> None:
    found = decoded(name, path.read_bytes())
    for one in found:
        assert (one.reason is None) == (one.outcome == "complaint")
        assert one.reason is None or one.reason in reasons(name)
        assert one.key.startswith(f"{name}:")
        assert one.item is None or one.item.channel == name
    assert len({one.key for one in found}) == len(found)


@pytest.mark.parametrize("name", CHANNELS)
def test_reason_codes_begin_with_the_channel_and_say_something(name: str) -> None:
    assert all(code.startswith(f"{name}.") and len(meaning) > 8 for code, meaning in reasons(name).items())


@pytest.mark.parametrize("name", CHANNELS)
def test_what_the_vendor_sends_is_a_complaint_and_what_follows_names_it(name: str) -> None:
    vendor, kind = vendor_of(name), CHANNELS[name].settings(_env_file=None)
    person, photo = Person("Siti Contoh"), Photo("foto.png", "http://127.0.0.1:8098/foto.png", png(4, 4))
    first = vendor.message(kind, person, "Lampu jalan mati di Jl. Gunawarman", photo=photo)
    again = vendor.message(kind, person, "Masih mati juga sampai malam ini", after=first)
    (one,), (two,) = decoded(name, first), decoded(name, again)
    assert one.outcome == "complaint"
    assert one.item is not None
    assert "Lampu jalan mati" in one.item.text
    assert two.item is not None
    assert two.item.author.id == one.item.author.id
    assert two.key != one.key
    assert name == "counter" or (two.item.reply_to or two.item.thread)
    assert name == "counter" or len(one.item.attachments) == 1


@pytest.mark.parametrize("name", CHANNELS)
@given(body=st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_no_bytes_make_decode_raise(name: str, body: bytes) -> None:
    for one in decoded(name, body):
        assert one.outcome == "complaint" or one.reason in reasons(name)
        encode(one)


@pytest.mark.parametrize("name", CHANNELS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_cut_or_flipped_fixture_makes_decode_raise(name: str, data: st.DataObject) -> None:
    paths = [path for parameter in PAIRS if parameter.values[0] == name for path in [Path(str(parameter.values[1]))]]
    body = bytearray(data.draw(st.sampled_from(paths)).read_bytes())
    if body:
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.integers(0, 255))
        del body[at + 1 : at + 1 + data.draw(st.sampled_from([0, 0, 1, 50, len(body)]))]
    for one in decoded(name, bytes(body)):
        assert one.outcome == "complaint" or one.reason in reasons(name)
        encode(one)


def fixtures(name: str) -> list[bytes]:
    return [parameter.values[1].read_bytes() for parameter in PAIRS if parameter.values[0] == name]


def ends_well(name: str, body: bytes) -> set[str]:
    """The outcomes; each is whole, documented, and of text that databases and terminals take."""
    found = decoded(name, body)
    for one in found:
        assert (one.reason is None) == (one.outcome == "complaint")
        assert one.reason is None or one.reason in reasons(name)
        assert one.item is None or (one.item.external_id and one.item.author.id)
        line = encode(one)
        assert decode(line, Decoded) == one
        assert b"\\u0000" not in line
    return {one.outcome for one in found}


@pytest.mark.parametrize("name", CHANNELS)
def test_no_hostile_body_makes_decode_raise(name: str) -> None:
    """Truncated, doubled, 1 MB, NUL, other encodings, 100,000 deep."""
    for what, body in nasty.bodies(fixtures(name)):
        try:
            ends_well(name, body)
        except Exception as error:
            raise AssertionError(f"{name}, {what}") from error


@pytest.mark.parametrize("name", [name for name in CHANNELS if vendor_of(name).content_type == "application/json"])
def test_no_wrong_value_at_any_place_makes_decode_raise(name: str) -> None:
    outcomes: set[str] = set()
    for what, body in nasty.bent(fixtures(name)):
        try:
            outcomes |= ends_well(name, body)
        except Exception as error:
            raise AssertionError(f"{name}, {what}") from error
    assert {"complaint", "dead"} <= outcomes


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_knows_no_other(name: str) -> None:
    """What two channels share stands beside them, never in one of them."""
    others = {f"ingestors.{other}" for other in CHANNELS} - {f"ingestors.{name}"}
    for path in sorted((HOME / name).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [one for one in named if ".".join(one.split(".")[:2]) in others], path
