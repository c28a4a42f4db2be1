"""`audit datasette`: a verified export for analysts, on this machine only, read only, and gone when it is stopped."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world.commands import clean_environment, sharekit

from sharekit.audit import questions

PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class Server:
    """`sharekit audit datasette` in a process of its own; where it listens, as the system knows it."""

    def __init__(self, port: int) -> None:
        self.port = port
        command = [sys.executable, "-c", "from sharekit.cli import main; main()", "audit", "datasette", "book.export"]
        with Path("said.txt").open("wb") as said:
            self.process = subprocess.Popen(
                [*command, "--trust", "book.card", "--port", str(port)],
                env=clean_environment(TMPDIR=str(Path.cwd())),
                stderr=said,
            )

    def listeners(self) -> list[tuple[str, str]]:
        """(address, inode) of every socket that listens on the port."""
        tables = "".join(Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6"))
        sockets = [line.split() for line in tables.splitlines() if "local_address" not in line]
        local = [(*each[1].split(":"), each[3], each[9]) for each in sockets]
        ours = f"{self.port:04X}"
        return [(address, inode) for address, port, state, inode in local if (port, state) == (ours, "0A")]

    def own_sockets(self) -> set[str]:
        """The inodes of the sockets of its process and of those that it started."""
        pids = [self.process.pid]
        for pid in pids:
            pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        links = [str(link.readlink()) for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir()]
        return {link[8:-1] for link in links if link.startswith("socket:[")}

    @property
    def token(self) -> str:
        """The secret in the link that was printed."""
        found = re.search(r"/entries\?token=([\w-]+) ", Path("said.txt").read_text())
        assert found
        return found[1]

    def get(self, path: str, **headers: str) -> Any:
        shown = headers or {"Authorization": f"Bearer {self.token}"}
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", headers=shown)
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return json.load(answer)

    def refuses(self, path: str, **headers: str) -> int:
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.get(path, **headers)
        refused.value.close()
        return int(refused.value.code)


@pytest.fixture
def server(folder) -> Iterator[Server]:
    started = Server(free_port())
    until = time.monotonic() + PATIENCE
    while not started.listeners() and time.monotonic() < until and started.process.poll() is None:
        time.sleep(0.1)
    yield started
    if started.process.poll() is None:
        started.process.kill()
    started.process.wait(PATIENCE)


def test_an_export_is_served_on_this_machine_only_and_gone_when_it_is_stopped(server, folder):
    (listener,) = server.listeners()
    assert listener[0] == "0100007F"  # 127.0.0.1
    assert listener[1] in server.own_sockets()
    (row,) = server.get("entries/overrides.json?_shape=array")
    assert (row["second"], json.loads(row["because"])) == ("no", ["harm-to-others"])
    assert {each["name"] for each in server.get("entries.json")["queries"]} == {each.name for each in questions.load()}
    assert server.get("entries.json?sql=select+count(*)+as+n+from+entry&_shape=array") == [{"n": 9}]
    assert server.refuses("entries.json?sql=delete+from+entry") == 400
    assert server.refuses("entries.db") == 403
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(PATIENCE) == 0
    assert server.listeners() == []
    assert not list(folder.glob("sharekit-*"))


def test_whoever_has_not_the_link_or_another_address_is_refused(server):
    shown = {"Authorization": f"Bearer {server.token}"}
    assert server.get("entries.json", **shown)["database"] == "entries"
    for path in ("entries.json", "", "-/metadata.json", "entries/entry.json", "-/static/app.css"):
        assert server.refuses(path, Accept="*/*") == 403
    for wrong in ("", "x", server.token[:-1], server.token + "x"):
        assert server.refuses("entries.json", Authorization=f"Bearer {wrong}") == 403
        assert server.refuses("entries.json", Cookie=f"sharekit-audit={wrong}") == 403
        assert server.refuses(f"entries.json?token={wrong}", Accept="*/*") == 403
    for host in (
        "evil.example",
        "evil.example:80",
        f"evil.example:{server.port}",
        "127.0.0.1",
        f"127.0.0.1.evil.example:{server.port}",
    ):
        assert server.refuses("entries.json", Host=host, **shown) == 403
    for origin in ("http://evil.example", "null", "http://127.0.0.1", f"https://127.0.0.1:{server.port}"):
        assert server.refuses("entries.json", Origin=origin, **shown) == 403
    own = f"http://127.0.0.1:{server.port}"
    assert server.get("entries.json", Origin=own, **shown)["database"] == "entries"


def test_the_link_leaves_a_cookie_and_no_token_in_the_address(server):
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(f"http://127.0.0.1:{server.port}/entries.json?sql=select+1+as+n&token={server.token}") as answer:
        assert answer.url == f"http://127.0.0.1:{server.port}/entries.json?sql=select+1+as+n"
        assert json.load(answer)["rows"] == [[1]]


PATHS = {"%5Cevil.example/": "/%5Cevil.example/", "%0D%0AX:y": "/%0D%0AX%3Ay", "%E2%82%AC": "/%E2%82%AC"}


def test_the_link_leads_to_a_page_of_this_server_whatever_its_path(server):
    for path, place in PATHS.items():
        asked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        asked.request("GET", f"/{path}?token={server.token}")
        answer = asked.getresponse()
        assert (answer.status, answer.headers["location"], answer.headers["x"]) == (303, place, None), path
        asked.close()


BOMBS = {
    "a blob of 900 MB": "select randomblob(900000000)",
    "zeros of 900 MB": "select zeroblob(900000000)",
    "a text that doubles": "with recursive t(x) as (select 'a' union all select x||x from t) select max(x) from t",
    "a count without end": "with recursive t(x) as (select 1 union all select x + 1 from t) select max(x) from t",
    "a pattern that is compared at every place": "select replace(hex(zeroblob(9999)), '00', 'a') like '%' ||"
    " replace(hex(zeroblob(999)), '00', 'a') || 'b' as n",
    "another file": "attach '/etc/passwd' as p",
}


def test_no_query_is_without_end(server):
    for name, sql in BOMBS.items():
        assert server.refuses(f"entries.json?{urllib.parse.urlencode({'sql': sql})}") == 400, name
    assert server.get("entries.json?sql=select+count(*)+as+n+from+entry&_shape=array") == [{"n": 9}]


REFUSED = {
    "an export that does not verify": (("tampered.export", "--trust", "book.card"), 6, "ledger-tampered"),
    "an export without a card": (("book.export",), 3, "not-trusted"),
    "a file that is no export": (("book.card", "--trust", "book.card"), 3, "malformed"),
    "a record without cards in it": (("fernshire-2026/ledger.db", "--trust", "book.card"), 3, "malformed"),
}


@pytest.mark.parametrize(("arguments", "code", "error"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_verified_export_is_not_served(folder, arguments, code, error):
    ran = sharekit("audit", "datasette", *arguments, "--port", free_port())
    assert (ran.code, ran.error) == (code, error)


def test_the_live_record_is_not_served(desk):
    (record,) = Path("elm/ledger").glob("*.db")
    ran = sharekit("audit", "datasette", record, "--trust", "elm.card")
    assert (ran.code, ran.error) == (2, "usage")
    assert "live record" in ran.err


def test_a_port_that_is_taken_is_refused_before_anything_is_read(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = sharekit("audit", "datasette", "book.export", "--trust", "book.card", "--port", taken.getsockname()[1])
    assert (ran.code, ran.error) == (2, "usage")
    assert re.search("port", ran.err)


def test_without_the_extra_it_says_what_to_install(folder, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ran = sharekit("audit", "datasette", "book.export", "--trust", "book.card")
    assert (ran.code, ran.error) == (2, "usage")
    assert "sharekit[datasette]" in ran.err
