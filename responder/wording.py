"""Wording as data: which fact makes a message, and what it says (``data/kalimat.yaml``)."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

import msgspec
import yaml

from schemas.case import Fact

WORDING = Path(__file__).parent / "data" / "kalimat.yaml"
FIELDS = frozenset({"nomor", "tautan", "instansi", "pesan"})
LINK = "{tautan}"
"""Stays in place until the moment of sending: the link holds a token, and tokens stay off the bus."""
QUOTE_LIMIT = 600
"""Characters of an officer's words in a message."""


class WordingError(Exception):
    """The wording cannot be used; the message names the file, the template and what to mend."""


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The forms of one message."""

    fakta: str
    pesan: str
    publik: str


class Wording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All templates, by name."""

    versi: str
    kalimat: Mapping[str, Template]

    def for_fact(self, kind: str) -> tuple[str, Template] | None:
        """Name and template of the message that a fact of this kind makes."""
        for name, template in self.kalimat.items():
            if template.fakta == kind:
                return name, template
        return None


def load(path: Path = WORDING) -> Wording:
    """Raises ``WordingError``, also for a field in braces that nobody fills in."""
    try:
        wording = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Wording)
        for name, template in wording.kalimat.items():
            for form in (template.pesan, template.publik):
                unknown = {field for _, field, _, _ in string.Formatter().parse(form) if field is not None} - FIELDS
                if unknown:
                    raise WordingError(f"{path}: template {name} uses {sorted(unknown)}; known are {sorted(FIELDS)}")
                if LINK not in form:
                    raise WordingError(
                        f"{path}: template {name} lacks {LINK}: every message links to its tracking page"
                    )
    except (OSError, yaml.YAMLError, msgspec.ValidationError, ValueError) as error:
        raise WordingError(f"{path}: {error}") from error
    return wording


def render(template: Template, fact: Fact, *, public: bool) -> str:
    """The message with the link still open. A public form never quotes anybody."""
    form = template.publik if public else template.pesan
    return form.format(
        nomor=fact.number,
        tautan=LINK,
        instansi=fact.unit_name or "Pemprov DKI Jakarta",
        pesan=(fact.text or "")[:QUOTE_LIMIT],
    )
