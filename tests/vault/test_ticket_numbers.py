from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.settings import CoreSettings
from vault.engine import Database
from vault.model import Registration
from vault.schema import counters
from vault.store import Vault
from vault.ticket_numbers import day_of, format_number

moments = st.datetimes(datetime(2020, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
serials = st.integers(1, 10_000_000)


@given(moments, serials)
def test_a_number_names_the_day_in_jakarta_and_the_serial(moment: datetime, serial: int) -> None:
    number = format_number(day_of(moment), serial)
    local = moment + timedelta(hours=7)
    matched = re.fullmatch(r"JK(\d{6})(\d{4,})", number)
    assert matched is not None
    assert matched[1] == f"{local.year % 100:02d}{local.month:02d}{local.day:02d}"
    assert int(matched[2]) == serial
    assert len(matched[2]) == max(4, len(str(serial)))


@given(
    st.lists(st.tuples(moments, serials), min_size=2, max_size=20, unique_by=lambda pair: (day_of(pair[0]), pair[1]))
)
def test_no_two_days_or_serials_share_a_number(pairs: list[tuple[datetime, int]]) -> None:
    assert len({format_number(day_of(moment), serial) for moment, serial in pairs}) == len(pairs)


def test_the_day_goes_on_past_9999(vault: Vault, settings: CoreSettings, message: Callable[..., Registration]) -> None:
    vault.register([message("a")])
    database = Database.open(settings.database.get_secret_value(), settings.data_dir)
    with database.write() as connection:
        connection.execute(counters.update().values(last=9_997))
    database.close()
    batch = [message(f"b{index}") for index in range(5)]
    decided = vault.register(batch)
    serials = ["9998", "9999", "10000", "10001", "10002"]
    assert [decided[r.item_key].number for r in batch] == [f"JK261123{serial}" for serial in serials]
    assert vault.ticket_by_number("JK26112310000") is not None
