"""What partners have shown and signed, as the vault keeps it."""

from __future__ import annotations

import pytest
from world.vaults import CTI

from sharekit.errors import LedgerError

ORIGIN = "sharekit/ZZQ01/2026"
ATTESTED = (
    "INSERT INTO attestation(packet, org_id, event, at, outcome, entry, proof, cosigned)"
    " VALUES (?, 'ZZQ01', 'opened', 0, 'done', x'', x'', ?)"
)


@pytest.mark.parametrize("note", ["4294967296", "x", "no checkpoint\n"])
def test_a_stored_note_that_is_none_is_a_damaged_vault(vault, note):
    """One error for all who read it: it was a checkpoint when it was written."""
    vault.write(ATTESTED, CTI, note)
    vault.write("INSERT INTO witnessed(origin, size, note) VALUES (?, 1, ?)", ORIGIN, note)
    vault.write("INSERT INTO stamp(note, asked, token) VALUES (?, 0, x'')", note)
    partners = vault.partners
    looks = [
        lambda: partners.attestations("ZZQ01", 2026),
        partners.newest_cosigned,
        lambda: partners.last(ORIGIN),
    ]
    for look in looks:
        with pytest.raises(LedgerError, match="damaged"):
            look()
