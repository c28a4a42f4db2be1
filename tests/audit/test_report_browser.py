"""The auditor's report in a real browser: it renders, prints, and breaks no rule of its own content policy."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from world.books import filled
from world.pages import HOSTILE, Page, report_on
from world.season import HOSPITAL, Season

from sharekit.audit import report
from sharekit.audit.report import Given
from sharekit.audit.verify import audit
from sharekit.trust.store import Trust

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr"),
)

in_a_browser = pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="there is no Chromium here")


@dataclass(frozen=True)
class Seen:
    """What the browser printed, and what it complained of."""

    dom: str
    complaints: list[str]


def browse(page: Path, folder: Path, *options: str) -> Seen:
    """Load a page in a browser of its own, which has never seen another."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", *options, page.as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    shutil.rmtree(folder / "profile", ignore_errors=True)
    assert ran.returncode == 0, ran.stderr
    return Seen(ran.stdout, re.findall(r"CONSOLE.*", ran.stderr))


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """The export of a council's season, audited with its own card and a partner's, as a page."""
    folder = tmp_path_factory.mktemp("season")
    with pytest.MonkeyPatch.context() as patch:
        played = Season(folder, patch)
        played.play(40, days=120)
        played.attest(HOSPITAL)
        played.council.export(folder / "council.export")
        cards = [played.council.trust.card(org_id) for org_id in (played.council.org_id, HOSPITAL)]
        played.close()
    found = audit(folder / "council.export", Trust(cards))
    page = folder / "report.html"
    page.write_text(report.html(folder / "council.export", found, Given(cards), now=played.now))
    return page


PEOPLE = ("XXTEST", "Marlow", "Robin", "Wren", "Okell", "9990001006", "9990002118", "2019-03-14", "01632")


def test_no_child_and_no_worker_is_in_it(season):
    text = season.read_text()
    assert "Fernshire County Council" in text
    assert [name for name in PEOPLE if name.lower() in text.lower()] == []


@in_a_browser
def test_a_season_is_rendered_without_a_complaint_and_the_verdict_comes_first(season, tmp_path):
    seen = browse(season, tmp_path, "--dump-dom")
    page = Page(seen.dom)
    assert seen.complaints == []
    assert page.headings[0][0] == "h1"
    assert page.headings[0][1].startswith("Nothing in the record of Fernshire County Council was changed or removed")
    assert "Quillbrook University Hospitals confirms" in page.headings[0][1]
    assert page.all("script") == []
    assert len(page.all("svg")) >= 6


@in_a_browser
def test_a_season_can_be_looked_at(season, tmp_path):
    picture = tmp_path / "report.png"
    browse(season, tmp_path, f"--screenshot={picture}", "--window-size=1000,1400")
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1000, 1400)
    assert len(data) > 40_000  # an empty page is a tenth of that


@in_a_browser
def test_a_season_can_be_printed(season, tmp_path):
    paper = tmp_path / "report.pdf"
    browse(season, tmp_path, f"--print-to-pdf={paper}")
    data = paper.read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) > 3


@in_a_browser
def test_a_hostile_name_runs_nothing(tmp_path):
    book = filled(tmp_path, name=HOSTILE)
    page = tmp_path / "report.html"
    page.write_text(report_on(book, file=HOSTILE))
    book.ledger.close()
    seen = browse(page, tmp_path, "--dump-dom")
    assert seen.complaints == []
    found = Page(seen.dom)
    assert found.all("script") == found.all("img") == []


SMUGGLED = {
    "a script": "<script>document.title = 'ran'</script>",
    "a script in an attribute": "<img src=x onerror=\"document.title = 'ran'\">",
    "a style": "<style>body { display: none }</style>",
    "an attribute of style": '<p style="color: red">red</p>',
    "a picture from elsewhere": '<img src="https://fernshire.example/a.png">',
    "a frame": '<iframe src="https://fernshire.example/"></iframe>',
}


@in_a_browser
@pytest.mark.parametrize("markup", SMUGGLED.values(), ids=SMUGGLED)
def test_what_somebody_smuggled_into_it_would_be_refused_by_its_policy(season, tmp_path, markup):
    """The policy holds by itself, and this browser does complain where it is broken."""
    page = tmp_path / "smuggled.html"
    page.write_text(season.read_text().replace("</main>", f"{markup}</main>"))
    seen = browse(page, tmp_path, "--dump-dom")
    assert [each for each in seen.complaints if "Content Security Policy" in each]
    assert "<title>ran</title>" not in seen.dom
