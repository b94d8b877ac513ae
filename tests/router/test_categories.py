from __future__ import annotations

from pathlib import Path

import yaml

from router.rulebook import Rulebook

CATEGORIES = Path(__file__).parents[2] / "normalizer" / "data" / "kategori.yaml"


def test_rules_and_normalizer_know_the_same_categories(rulebook: Rulebook) -> None:
    named = yaml.safe_load(CATEGORIES.read_text(encoding="utf-8"))["kategori"]
    assert set(rulebook.rules) == set(named)
