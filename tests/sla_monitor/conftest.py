"""Fixtures of the monitor's tests."""

from __future__ import annotations

import pytest

from sla_monitor.policy import Policy, load_policy
from tests.sla_monitor.harness import Frame


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The policy as shipped."""
    return load_policy()


@pytest.fixture
def frame(policy: Policy) -> Frame:
    """An in-memory batch frame around the live stage."""
    return Frame(policy)
