"""What the tests of unifying share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.normalizer.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A normalizer over an empty vault."""
    made = Desk(tmp_path)
    yield made
    made.vault.close()
