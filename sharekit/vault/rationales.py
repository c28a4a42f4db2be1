"""How the last decisions were explained, and which drafts were sealed: HMACs, so that the same is noticed again."""

from __future__ import annotations

from sharekit.vault.box import Box

__all__ = ["Rationales"]

REMEMBERED = 200  # how many decisions are remembered by the words that explained them


class Rationales:
    """The tables `rationale` and `draft`; they need an unlocked vault. `decision` is a decision's own number."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def repeats(self, words: str, decision: bytes, *, among: int) -> int:
        """How many of the last `among` decisions, but this one, were explained in the same words."""
        query = """
            SELECT count(*) FROM (SELECT decision, token FROM rationale ORDER BY seq DESC LIMIT ?)
            WHERE token = ? AND decision <> ?
        """
        token = self._token(words)
        with self._box.reading() as db:
            row = db.execute(query, (among, token, decision)).fetchone()
        return int(row[0])

    def note(self, words: str, decision: bytes) -> None:
        """Remember how a decision was explained; the oldest of many are forgotten."""
        row = (decision, self._token(words))
        with self._box.writing() as db:
            db.execute("INSERT OR IGNORE INTO rationale(decision, token) VALUES (?, ?)", row)
            db.execute("DELETE FROM rationale WHERE seq <= (SELECT max(seq) FROM rationale) - ?", (REMEMBERED,))

    # --- drafts ---

    def draft(self, text: str) -> bytes | None:
        """The number of the packet as which the same draft was sealed last; None if it was not."""
        with self._box.reading() as db:
            query = "SELECT packet FROM draft WHERE token = ?"
            row = db.execute(query, (self._box.index_token("draft", text),)).fetchone()
        return bytes(row[0]) if row else None

    def note_draft(self, text: str, packet: bytes) -> None:
        """Remember as which packet a draft was sealed."""
        self._box.write("INSERT OR REPLACE INTO draft VALUES (?, ?)", self._box.index_token("draft", text), packet)

    def _token(self, words: str) -> bytes:
        return self._box.index_token("rationale", words)
