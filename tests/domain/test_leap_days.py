"""One rule for the birthday of a leap day: the first of March, wherever years are counted."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from world.agencies import example

from sharekit.domain import profile, retention, workdays

LEAP = date(2008, 2, 29)


@pytest.mark.parametrize(
    ("born", "years", "day"),
    [
        (LEAP, 18, date(2026, 3, 1)),
        (LEAP, 20, date(2028, 2, 29)),
        (date(2000, 2, 29), 100, date(2100, 3, 1)),
        (date(2008, 2, 28), 18, date(2026, 2, 28)),
        (date(2008, 3, 1), 18, date(2026, 3, 1)),
    ],
)
def test_years_are_counted_by_birthdays(born, years, day):
    assert workdays.years_later(born, years) == day
    assert workdays.whole_years(born, day) == years
    assert workdays.whole_years(born, day - workdays.timedelta(days=1)) == years - 1


def test_an_age_and_a_period_from_birth_end_on_the_same_day():
    data, _ = example("cp-is-flag")
    born = {**data, "date_of_birth": LEAP.isoformat()}
    kind = profile.load("cp-is-flag")
    moments = {day: datetime.fromisoformat(f"2027-{day}T12:00:00Z") for day in ("02-28", "03-01")}
    assert [list(kind.unexpected_ages(born, now=now)) for now in moments.values()] == [[], ["date_of_birth"]]
    assert retention.after(LEAP, "P19Y") == date(2027, 3, 1)
    assert retention.after(LEAP, "P228M") == date(2027, 2, 28)
