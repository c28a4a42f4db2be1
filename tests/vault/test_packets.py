"""The index of packets: remembered as first seen, recorded once, opened first once, and no passphrase needed."""

from __future__ import annotations

from datetime import timedelta

from world.vaults import CTI, DIGEST, NOW

from sharekit.vault.packets import Seen
from sharekit.vault.vault import Vault


def test_a_packet_is_remembered_as_it_was_first_seen(vault):
    assert vault.packets.seen("larkmoor", CTI) is None
    vault.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW)
    vault.packets.note("larkmoor", CTI, digest=b"e" * 32, now=NOW + timedelta(days=1))
    assert vault.packets.seen("larkmoor", CTI) == Seen(DIGEST, NOW, recorded=False, opened=None)
    assert vault.packets.seen("quillbrook", CTI) is None


def test_a_packet_is_recorded_once_and_opened_first_once(vault):
    vault.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW)
    vault.packets.mark_recorded("larkmoor", CTI)
    vault.packets.mark_opened("larkmoor", CTI, now=NOW)
    vault.packets.mark_opened("larkmoor", CTI, now=NOW + timedelta(days=1))
    assert vault.packets.seen("larkmoor", CTI) == Seen(DIGEST, NOW, recorded=True, opened=NOW)


def test_a_refused_file_is_remembered_by_its_token(vault):
    assert not vault.packets.knows_refused(b"t" * 32)
    vault.packets.note_refused(b"t" * 32)
    vault.packets.note_refused(b"t" * 32)
    assert vault.packets.knows_refused(b"t" * 32)


def test_the_index_needs_no_key(vault, home):
    locked = Vault(home / "vault.db")
    locked.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW)
    locked.packets.mark_recorded("larkmoor", CTI)
    locked.packets.note_refused(b"t" * 32)
    assert vault.packets.seen("larkmoor", CTI).recorded
    assert vault.packets.knows_refused(b"t" * 32)
