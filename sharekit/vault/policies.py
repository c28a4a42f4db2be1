"""The local policies that were set here, by their hashes: which one is in force, the ledger says."""

from __future__ import annotations

from sharekit.vault.box import Box

__all__ = ["Policies"]


class Policies:
    """The table `policy`. It is in the clear, like the files it stands in for: whoever reads checks the hash.

    `digest` is the SHA-256 of the text of a policy.
    """

    def __init__(self, box: Box) -> None:
        self._box = box

    def keep(self, digest: bytes, document: bytes, act: bytes) -> None:
        """Keep the text of a policy, and the signed act that sets it."""
        self._box.write("INSERT OR REPLACE INTO policy VALUES (?, ?, ?)", digest, document, act)

    def document(self, digest: bytes) -> bytes | None:
        """The text with that hash; None if it was not set here."""
        return self._read("SELECT document FROM policy WHERE digest = ?", digest)

    def act(self, digest: bytes) -> bytes | None:
        """The act that set it; None likewise."""
        return self._read("SELECT act FROM policy WHERE digest = ?", digest)

    def _read(self, query: str, digest: bytes) -> bytes | None:
        with self._box.reading() as db:
            row = db.execute(query, (digest,)).fetchone()
        return bytes(row[0]) if row and isinstance(row[0], bytes) else None
