"""Reads a citizen's text: what is wanted, about what, where, in which language, and the text fit to travel.

Pure: no network, no clock, no state between calls; the same input gives the same reading. It never raises on a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from schemas.ticket import Judgement, Place, Reading

from .boundaries import Boundaries
from .category import Categories
from .gazetteer import Gazetteer
from .intent import Context, Intents
from .language import Languages
from .mask import MARGIN, Masker
from .place import Places
from .tables import DATA, load_yaml, words
from .text import LIMIT, RAW_LIMIT, Lexicon, Tokens, clean

_CUT = " [TERPOTONG]"
_TOO_LONG = f"teks sangat panjang: hanya {LIMIT} karakter pertama yang diperiksa"


class Reader:
    """Reads texts by the tables in ``normalizer/data``; make one per process and share it."""

    def __init__(
        self,
        lexicon: Lexicon,
        categories: Categories,
        intents: Intents,
        languages: Languages,
        places: Places,
        masker: Masker,
    ) -> None:
        self._lexicon = lexicon
        self._categories = categories
        self._intents = intents
        self._languages = languages
        self._places = places
        self._masker = masker

    @classmethod
    def load(cls, boundaries: Path | None = None) -> Reader:
        """A reader with the shipped tables; ``boundaries`` is the operator's GeoJSON of kelurahan polygons.

        Raises :class:`normalizer.tables.DataError` (a ``ValueError``) when a table or the file is not as it must be.
        """
        lexicon = Lexicon.load()
        gazetteer = Gazetteer.load(lexicon)
        categories = Categories.load(lexicon, gazetteer.names.values())
        intents = Intents.load(lexicon)
        languages = Languages.load()
        ordinary = lexicon.known() | categories.vocabulary() | intents.vocabulary()
        ordinary |= {form for word in languages.vocabulary() for form in lexicon.phrase(word)}
        common = DATA / "kata_umum.yaml"
        ordinary |= {
            form for word in words(f"{common}: kata", load_yaml(common).get("kata")) for form in lexicon.phrase(word)
        }
        vocabulary = frozenset(ordinary)
        local = frozenset(form for name in gazetteer.names.values() for form in lexicon.phrase(name))
        polygons = Boundaries.load(boundaries, gazetteer.kelurahan) if boundaries is not None else None
        return cls(
            lexicon, categories, intents, languages,
            Places(gazetteer, polygons, vocabulary),
            Masker.load(lexicon, vocabulary, local),
        )  # fmt: skip

    def category_names(self) -> dict[str, str]:
        """The categories: slug and the name that people read, in the table's order."""
        return dict(self._categories.names)

    def read(
        self,
        text: str,
        *,
        subject: str | None = None,
        channel: str | None = None,
        lat: float | str | None = None,
        lon: float | str | None = None,
        category: str | None = None,
        names: Sequence[str] = (),
    ) -> Reading:
        """The reading of a message.

        ``subject`` of a mail helps to judge but is not part of ``masked_text`` (see :meth:`mask`). ``lat`` and ``lon``
        are WGS 84 degrees, ``category`` is the sender's choice from a list, ``names`` are the author's, to be masked.
        """
        body = clean(text)
        whole = f"{clean(subject)}\n{body}" if subject and subject.strip() else body
        cut = len(text) > RAW_LIMIT or len(whole) > LIMIT
        tokens = self._lexicon.tokens(whole[:LIMIT])
        masked = self._masked(body, names, tokens if whole is body and not cut else None)
        scores = self._categories.scores(tokens, category, channel)
        place = self._places.judge(tokens, lat, lon, self._masker.homes(tokens))
        named = bool(place.candidates or place.street or place.rt)
        intent = self._intents.judge(tokens, Context(topic=scores.topic, place=named))
        reading = Reading(
            intent=intent, category=self._categories.judge(scores, category), place=place,
            language=self._languages.judge(tokens), masked_text=masked,
        )  # fmt: skip
        return _noted(reading) if cut else reading

    def mask(self, text: str, names: Sequence[str] = ()) -> str:
        """``text`` cleaned and masked: for whatever else travels (a subject, an officer's remark, an answer)."""
        return self._masked(clean(text), names)

    def _masked(self, body: str, names: Sequence[str], tokens: Tokens | None = None) -> str:
        """Looks a little beyond the cut, so that a number standing across it is masked whole."""
        if tokens is None:
            tokens = self._lexicon.tokens(body[: LIMIT + MARGIN])
        masked = self._masker.mask(tokens, names)
        return masked + _CUT if len(body) > LIMIT else masked


def _noted(reading: Reading) -> Reading:
    def more(part: Judgement) -> Judgement:
        return msgspec.structs.replace(part, reasons=(*part.reasons, _TOO_LONG))

    place: Place = msgspec.structs.replace(reading.place, reasons=(*reading.place.reasons, _TOO_LONG))
    return Reading(
        intent=more(reading.intent), category=more(reading.category), place=place,
        language=more(reading.language), masked_text=reading.masked_text,
    )  # fmt: skip
