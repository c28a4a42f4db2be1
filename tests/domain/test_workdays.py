"""British days: clocks that change twice a year, and days on which offices work."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sharekit.domain import workdays

LONDON = ZoneInfo("Europe/London")


def test_a_day_begins_when_the_clocks_of_london_say_so():
    first = date(2015, 1, 1)
    for day in (first + timedelta(days=number) for number in range(366 * 30)):
        assert workdays.start_of(day) == datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)


def test_every_hour_belongs_to_the_day_that_it_is_in_london():
    first = datetime(2024, 1, 1, tzinfo=UTC)
    for moment in (first + timedelta(hours=number) for number in range(24 * 366 * 4)):
        assert workdays.day_of(moment) == moment.astimezone(LONDON).date()


COUNTS = {
    "the next day": ("2026-11-26", 1, "2026-11-27"),
    "over a weekend": ("2026-11-27", 1, "2026-11-30"),
    "from a Saturday": ("2026-11-28", 1, "2026-11-30"),
    "over Christmas and Boxing Day's substitute": ("2026-12-24", 1, "2026-12-29"),
    "over Easter": ("2027-03-25", 1, "2027-03-30"),
    "the 20 days of the 2024 protocol": ("2026-12-14", 20, "2027-01-14"),
    "none": ("2026-11-28", 0, "2026-11-28"),
}


@pytest.mark.parametrize(("day", "count", "expected"), COUNTS.values(), ids=COUNTS)
def test_working_days_leave_out_weekends_and_bank_holidays(day, count, expected):
    assert workdays.working_day_after(date.fromisoformat(day), count).isoformat() == expected
