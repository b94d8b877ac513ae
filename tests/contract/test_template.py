"""The folder to copy is a channel as it stands, and a copy with one line in the registry is one of the product."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import ingestors
from ingestors._template import CHANNEL, REASONS
from ingestors._template.vendor import VENDOR
from pipeline.channel import Raw
from tests.contract.expect import expected_of

HOME = Path(ingestors.__path__[0])
ROOT = HOME.parent
NAME = "pengeras"
INPUTS = [path for path in sorted((HOME / "_template/fixtures").iterdir()) if not path.name.endswith(".expected.json")]
UNTOUCHED = ("normalizer", "pipeline", "portal", "responder", "router", "schemas", "tanggap", "vault", "casework",
             "sla_monitor", "indexer")  # fmt: skip


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_golden_pair_of_the_template(path: Path) -> None:
    account = VENDOR.account(CHANNEL.settings(_env_file=None))
    raw = Raw(CHANNEL.name, account, path.read_bytes(), VENDOR.content_type, datetime(2026, 11, 23, 3, 0, tzinfo=UTC))
    found = [part.decoded for part in CHANNEL.decode(raw)]
    assert found == expected_of(path, CHANNEL.name)
    assert all(one.reason is None or one.reason in REASONS for one in found)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product in which the template's folder was copied and one line added, as a newcomer would."""
    root = tmp_path_factory.mktemp("product")
    for name in UNTOUCHED:
        (root / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "tests").mkdir()
    shutil.copy(ROOT / "tests/channels.py", root / "tests")
    no_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tests/contract", root / "tests/contract", ignore=no_caches)
    shutil.copytree(HOME, root / "ingestors", ignore=no_caches)
    shutil.copytree(HOME / "_template", root / "ingestors" / NAME, ignore=no_caches)
    registry = root / "ingestors/registry.py"
    text = registry.read_text(encoding="utf-8")
    text, imports = re.subn(r"^from \. import ", f"from . import {NAME}, ", text, flags=re.MULTILINE)
    text, lines = re.subn(r"^\)\}", f"    {NAME}.CHANNEL,\n)}}", text, flags=re.MULTILINE)
    assert (imports, lines) == (1, 1)
    registry.write_text(text, encoding="utf-8")
    return root


def run(product: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("TANGGAP_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=product,
        env=own,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_contract_holds_for_a_copy_with_nothing_else_changed(product: Path) -> None:
    wanted = f"{NAME} or folders"
    tests = ["tests/contract/test_channels.py", "tests/contract/test_webhooks.py", f"ingestors/{NAME}"]
    done = run(product, "pytest", "-p", "no:cacheprovider", "-vv", "-k", wanted, *tests)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    for test in ("test_golden_pair[pengeras", "test_forgery_is_refused[pengeras", "test_answer_of_the_vendor_decides"):
        assert test in done.stdout


def test_copy_decodes_on_the_command_line(product: Path) -> None:
    done = run(product, "tanggap", "decode", NAME, f"ingestors/{NAME}/fixtures/message_v1_picture.json")
    assert done.returncode == 0, done.stderr[-1000:]
    (line,) = [json.loads(one) for one in done.stdout.splitlines()]
    assert (line["outcome"], line["item"]["channel"], line["key"]) == ("complaint", NAME, f"{NAME}:kota-contoh:501")


def test_copy_that_names_its_codes_otherwise_is_told(product: Path) -> None:
    """The contract tests of a copy can fail."""
    decoder = product / "ingestors" / NAME / "decode.py"
    text = decoder.read_text(encoding="utf-8")
    decoder.write_text(text.replace('f"{NAME}.thread": "Answers', '"toa.thread": "Answers'), encoding="utf-8")
    try:
        done = run(
            product, "pytest", "-p", "no:cacheprovider", "-k", f"{NAME} and reason", "tests/contract/test_channels.py"
        )
    finally:
        decoder.write_text(text, encoding="utf-8")
    assert done.returncode == 1
    assert "test_reason_codes_begin_with_the_channel" in done.stdout
