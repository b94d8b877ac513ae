"""Pages made from the code: `.env.example` and `docs/reasons.md`. `python -m tanggap.generated [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from ingestors.registry import CHANNELS
from pipeline.settings import CoreSettings

ROOT = Path(__file__).parent.parent
SHARED_REASONS = Path(__file__).parent / "data" / "reasons.yaml"


def env_example() -> str:
    """Every setting with its default and meaning."""
    lines = [
        "# All settings, with their defaults. Copy to .env and change what you need; `make run` works with none set.",
        "# Every secret can also be read from a file: NAME_FILE=/path. Values that begin with demo- are refused when",
        "# TANGGAP_ENV=production.",
        "",
        "# development or production",
        "TANGGAP_ENV=development",
    ]
    lines += ["", "# Every service", *_settings(CoreSettings)]
    for channel in CHANNELS.values():
        lines += ["", f"# Channel {channel.name}", *_settings(channel.settings)]
    return "\n".join(lines) + "\n"


def _settings(kind: type[BaseSettings]) -> Iterator[str]:
    prefix = str(kind.model_config.get("env_prefix", ""))
    for name, info in kind.model_fields.items():
        if name != "env":
            yield f"# {info.description}"
            yield f"# {prefix}{name.upper()}={_shown(info.get_default(call_default_factory=True))}"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple | list | set | frozenset):
        return ",".join(map(str, value))
    return str(value)


def reasons() -> str:
    """Every reason code with its meaning."""
    shared: dict[str, dict[str, str]] = yaml.safe_load(SHARED_REASONS.read_text(encoding="utf-8"))
    lines = [
        "# Reason codes",
        "",
        "Stable codes of outcomes, dead letters and refusals. Made by `python -m tanggap.generated` from `REASONS` of",
        "each channel and `tanggap/data/reasons.yaml`.",
    ]
    tables = dict(shared)
    for name in CHANNELS:
        tables[f"Channel {name}"] = import_module(f"ingestors.{name}").REASONS
    for title, codes in tables.items():
        lines += ["", f"## {title}", "", "| code | meaning |", "|---|---|"]
        lines += [f"| `{code}` | {meaning} |" for code, meaning in codes.items()]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes both pages; with ``--check`` names those that have drifted and returns 1."""
    pages = {ROOT / ".env.example": env_example(), ROOT / "docs" / "reasons.md": reasons()}
    if "--check" not in sys.argv:
        for path, text in pages.items():
            path.write_text(text, encoding="utf-8")
        return 0
    drifted = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in drifted:
        print(f"{path.relative_to(ROOT)} has drifted: run python -m tanggap.generated", file=sys.stderr)
    return 1 if drifted else 0


if __name__ == "__main__":
    raise SystemExit(main())
