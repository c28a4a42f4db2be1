"""What stands before Datasette: only whoever has the link gets in, only by this machine's address, and nothing endless.

Datasette takes both functions as hooks, in a process of its own; port and secret come in that process's environment.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

PORT, SECRET = "SHAREKIT_AUDIT_PORT", "SHAREKIT_AUDIT_SECRET"  # the names of the variables
COOKIE = "sharekit-audit"
LARGEST, LONGEST_QUERY, MEMORY = 1024 * 1024, 64 * 1024, 256 * 1024 * 1024  # bytes: of a value, of a query, of all
LONGEST_PATTERN = 256  # bytes: no query ends while one value is held against one pattern

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def prepare_connection(conn: sqlite3.Connection) -> None:
    """Let no value and no query be larger than any that is needed, and all of them together have an end."""
    conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
    conn.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, LONGEST_QUERY)
    conn.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LONGEST_PATTERN)
    conn.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    conn.execute(f"PRAGMA hard_heap_limit = {MEMORY}")
    conn.execute("PRAGMA temp_store = FILE")


def asgi_wrapper(datasette: object) -> Callable[[App], App]:
    """Look at every request before Datasette does."""
    port, secret = int(os.environ[PORT]), os.environ[SECRET]

    def wrapped(app: App) -> App:
        async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] == "lifespan":
                await app(scope, receive, send)
                return
            await (_answer(scope, port, secret) or app)(scope, receive, send)

        return guarded

    return wrapped


def _answer(scope: dict[str, Any], port: int, secret: str) -> App | None:
    """What answers a request in the place of Datasette; None for one that may pass."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
    host = headers.get(b"host", "")
    if scope["type"] != "http" or host not in (f"127.0.0.1:{port}", f"localhost:{port}"):
        return _told(403, "this server answers to 127.0.0.1 only")
    if headers.get(b"origin", f"http://{host}") != f"http://{host}":
        return _told(403, "this server answers to its own pages only")
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    if any(_same(each, secret) for each in asked.pop("token", ())):
        return _let_in(scope["path"], asked, secret)
    if not any(_same(each, secret) for each in _shown(headers)):
        return _told(403, "use the link that sharekit audit datasette has printed")
    return None


def _shown(headers: dict[bytes, str]) -> list[str]:
    """The secrets that a request shows: in its cookie, and for programs in Authorization: Bearer."""
    try:
        cookies = SimpleCookie(headers.get(b"cookie", ""))
    except CookieError:
        cookies = SimpleCookie()
    bearer = headers.get(b"authorization", "").removeprefix("Bearer ")
    return [bearer, *(morsel.value for name, morsel in cookies.items() if name == COOKIE)]


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _let_in(path: str, asked: dict[str, list[str]], secret: str) -> App:
    """To the same page without the secret in its address, which histories would keep."""
    place = f"/{quote(path.lstrip('/'))}" + (f"?{urlencode(asked, doseq=True)}" if asked else "")
    cookie = f"{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict"
    return _told(303, "", (b"location", place.encode()), (b"set-cookie", cookie.encode()))


def _told(status: int, words: str, *headers: tuple[bytes, bytes]) -> App:
    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        plain = (b"content-type", b"text/plain; charset=utf-8")
        await send({"type": "http.response.start", "status": status, "headers": [plain, *headers]})
        await send({"type": "http.response.body", "body": words.encode()})

    return answer
