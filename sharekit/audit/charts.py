"""Charts as static SVG, drawn by leather: no script, no style, nothing that is fetched.

What an export says becomes text in them, never markup. Each has a title and a description for people who listen
to a page instead of looking at it; the same numbers stand in a table beside it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import leather
from leather import theme
from markupsafe import Markup

__all__ = ["bars", "columns"]

MOST = 12  # bars that can be told apart: what is left is drawn as one
LONGEST = 40  # characters of a label
WIDTH, ROW, BELOW, HEIGHT = 760, 34, 50, 300
FILL = "#1d5a96"
LOOK = {
    "background_color": "#ffffff",
    "margin": 0.02,
    "label_color": "#1f2933",
    "tick_color": "#d5dbe1",
    "tick_font_family": "sans-serif",
    "tick_font_char_width": 7.5,
}
_ROOT = re.compile(r"<svg [^>]*>")

Pairs = Sequence[tuple[str, int]]


def bars(title: str, pairs: Pairs) -> Markup:
    """Numbers as horizontal bars, the label and the number before each."""
    told = _most(pairs)
    ticks, chart = _ticks(told), _chart()
    chart.add_bars([(count, f"{_short(label)}: {count}") for label, count in told], fill_color=FILL)
    chart.add_x_scale(0, ticks[-1])
    chart.add_x_axis(ticks=ticks)
    return _described(chart, title, told, BELOW + ROW * len(told))


def columns(title: str, pairs: Pairs) -> Markup:
    """Numbers as columns, from left to right in their order; of more than there is room for the last."""
    told = pairs[-MOST:]
    ticks, chart = _ticks(told), _chart(11 if len(told) > 8 else 14)
    chart.add_columns([(_short(label), count) for label, count in told], fill_color=FILL)
    chart.add_y_scale(0, ticks[-1])
    chart.add_y_axis(ticks=ticks)
    return _described(chart, title, told, HEIGHT)


def _chart(letters: int = 14) -> leather.Chart:
    """A chart that looks as ours do, with letters of a size: leather keeps one look for all of them."""
    for name, value in {**LOOK, "tick_font_size": letters}.items():
        setattr(theme, name, value)
    return leather.Chart()


def _most(pairs: Pairs) -> Pairs:
    """As many as can be told apart, and the others as one."""
    if len(pairs) <= MOST:
        return pairs
    return [*pairs[: MOST - 1], ("all others", sum(count for _, count in pairs[MOST - 1 :]))]


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _ticks(pairs: Pairs) -> list[int]:
    """Whole numbers from 0 to the largest or a little beyond: half a share would be nonsense."""
    most = max(1, *(count for _, count in pairs))
    steps = (digit * 10**zeros for zeros in itertools.count() for digit in (1, 2, 5))
    step = next(step for step in steps if most <= 5 * step)
    return list(range(0, most + step, step))


def _described(chart: leather.Chart, title: str, pairs: Pairs, height: int) -> Markup:
    """The drawing with a title and a description, as wide as the page."""
    drawn = _ROOT.sub("", str(chart.to_svg(width=WIDTH, height=height)), count=1)
    words = Markup("<title>{}</title><desc>{}</desc>").format(title, "; ".join(f"{label}: {n}" for label, n in pairs))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    return Markup(head) + words + Markup(drawn)  # noqa: S704  # leather writes texts as text
