"""Expectations of golden pairs. `python -m tests.contract.expect NAME` writes those that are missing, to be read.

In one, ``{channel}`` stands for the channel's name, so that a copied folder keeps its pairs.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import ingestors
from ingestors.registry import CHANNELS
from ingestors.vendor import vendor_of
from pipeline.channel import Raw
from schemas.base import decode, encode
from schemas.item import Decoded

RECEIVED = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def expected_of(path: Path, name: str) -> list[Decoded]:
    """What the input at ``path`` should become on the channel ``name``."""
    text = path.with_name(f"{path.stem}.expected.json").read_bytes().replace(b"{channel}", name.encode())
    return [decode(line, Decoded) for line in text.splitlines()]


def main() -> int:
    """Writes each missing expectation as the decoder has it now; only reading it makes it one."""
    (name,) = sys.argv[1:]
    channel, vendor = CHANNELS[name], vendor_of(name)
    account = vendor.account(channel.settings(_env_file=None))
    for path in sorted((Path(ingestors.__path__[0]) / name / "fixtures").iterdir()):
        target = path.with_name(f"{path.stem}.expected.json")
        if path.is_dir() or path.name.startswith(".") or path.name.endswith(".expected.json") or target.exists():
            continue
        parts = channel.decode(Raw(name, account, path.read_bytes(), vendor.content_type, RECEIVED))
        target.write_bytes(b"".join(encode(part.decoded) + b"\n" for part in parts))
        print(f"{target}: read it against the vendor's documentation")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
