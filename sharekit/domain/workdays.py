"""Days as people count them here: British days from midnight to midnight, and working days.

Times are kept in UTC. A deadline in days is a day of Great Britain's clocks, which go forward in March and back in
October; which days are working days is data, in schemas/calendar.json. No time zone files are needed.
"""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sharekit import registry

__all__ = [
    "beginning",
    "day_of",
    "end",
    "is_before",
    "is_working_day",
    "local",
    "months_later",
    "rough_beginning",
    "start_of",
    "whole_years",
    "working_day_after",
    "written",
    "years_later",
]

_NAMES = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_HOUR = timedelta(hours=1)


def local(moment: datetime) -> datetime:
    """The time that the clocks of Great Britain show at a moment; it has no zone."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    begins, ends = _summer(moment.year)
    return (moment + _HOUR if begins <= moment < ends else moment).replace(tzinfo=None)


def written(moment: datetime) -> str:
    """A moment as British clocks showed it, in words: 27 November 2026, 17:40."""
    shown = local(moment)
    return f"{shown.day} {shown:%B %Y, %H:%M}"


def day_of(moment: datetime) -> date:
    """The day that it is in Great Britain at a moment."""
    return local(moment).date()


@functools.lru_cache(maxsize=1024)
def start_of(day: date) -> datetime:
    """The moment, in UTC, at which a day begins in Great Britain."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    begins, ends = _summer(day.year)
    return midnight - _HOUR if begins < midnight < ends else midnight


def beginning(text: str) -> datetime:
    """The moment at which begins what a text names: a time with its zone, or a day in Great Britain (2026-11-27)."""
    return datetime.fromisoformat(text) if "T" in text else start_of(date.fromisoformat(text))


def rough_beginning(text: str) -> datetime:
    """The same of a text that may also name a month (2026-11) or a year (2026) in Great Britain."""
    return beginning(text + "-01-01"[len(text) - 10 :] if len(text) < 10 else text)


def is_before(text: str, other: str) -> bool:
    """Whether what a text names, as in `rough_beginning`, is before what another names.

    Of two times the moments are compared; otherwise the days, months or years, as far as they are known.
    """
    if "T" in text and "T" in other:
        return datetime.fromisoformat(text) < datetime.fromisoformat(other)
    return _named_day(text) < _named_day(other)


def _named_day(text: str) -> str:
    """A day, month or year as it is, or the day that it is in Great Britain at a time."""
    return day_of(datetime.fromisoformat(text)).isoformat() if "T" in text else text


def end(text: str) -> datetime:
    """The moment at which is over what a text names: a time with its zone, or a day in Great Britain (2026-11-27)."""
    return datetime.fromisoformat(text) if "T" in text else start_of(date.fromisoformat(text) + timedelta(days=1))


def working_day_after(day: date, count: int = 1) -> date:
    """The working day that is `count` working days after a day, which may be none itself; the day where count is 0."""
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def is_working_day(day: date) -> bool:
    """Whether offices work on a day: one of the week's working days, and no bank holiday."""
    return _NAMES[day.weekday()] in _calendar()["days"] and day not in _holidays(day.year)


@functools.cache
def _holidays(year: int) -> frozenset[date]:
    from holidays import country_holidays  # late: few deadlines are counted in working days

    where = _calendar()["holidays"]
    return frozenset(country_holidays(where["country"], subdiv=where["subdivision"], years=year))


@functools.cache
def _summer(year: int) -> tuple[datetime, datetime]:
    """The moments of a year at which the clocks go forward and back."""
    months = _calendar()["summer"]
    return _last_sunday(year, months["begins"]), _last_sunday(year, months["ends"])


def _last_sunday(year: int, month: int) -> datetime:
    """01:00 UTC on the last Sunday of a month that has 31 days."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def _calendar() -> Any:
    return registry.document("calendar")


def years_later(day: date, years: int) -> date:
    """The same day so many years later; the 29th of February comes back on the 1st of March where there is no 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def whole_years(since: date, until: date) -> int:
    """How many whole years have gone by; somebody has an age from the beginning of that birthday."""
    years = until.year - since.year
    return years - (until < years_later(since, years))


def months_later(day: date, months: int) -> date:
    """The same day of the month `months` later, earlier if negative; the month's last day where it has no such day."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    raise AssertionError("every month has a 28th")  # pragma: no cover
