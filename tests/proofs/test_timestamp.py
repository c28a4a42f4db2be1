"""Time stamps by a real timestamp authority, made here with OpenSSL (RFC 3161)."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

import sharekit
from sharekit import errors
from sharekit.ledger.log import Ledger
from sharekit.proofs import checkpoint
from sharekit.proofs import timestamp as stamp
from sharekit.proofs.checkpoint import Checkpoint

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[tsa_cert]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""


class Authority:
    """A certificate authority and a timestamp authority below it."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "serial").write_text("01")
        for name in ("root", "tsa"):
            (folder / f"{name}.cnf").write_text(CONFIG.format(name=f"Test {name}", folder=folder))
        new = "-new -nodes -newkey"
        self._openssl(f"req -x509 {new} ed25519 -config root.cnf -extensions ca -keyout root.key -out root.pem")
        self._openssl(f"req {new} rsa:2048 -config tsa.cnf -keyout tsa.key -out tsa.csr")
        signing = "-CA root.pem -CAkey root.key -CAcreateserial -extfile tsa.cnf -extensions tsa_cert"
        self._openssl(f"x509 -req -in tsa.csr {signing} -days 30 -out tsa.pem")
        self.root = (folder / "root.pem").read_bytes()

    def _openssl(self, words):
        subprocess.run(["openssl", *words.split()], cwd=self.folder, check=True, capture_output=True)

    def stamp(self, request):
        (self.folder / "request").write_bytes(request)
        self._openssl("ts -reply -config tsa.cnf -section one -queryfile request -out response")
        return (self.folder / "response").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    assert shutil.which("openssl"), "openssl makes the authority of these tests"
    return Authority(tmp_path_factory.mktemp("tsa") / "authority")


LOG = sharekit.Keys.generate().log
NOTE = checkpoint.sign(Checkpoint("sharekit/X/2026", 7, b"r" * 32), key=LOG)


def test_a_stamp_says_when_the_checkpoint_existed(authority):
    at = stamp.verify(NOTE, authority.stamp(stamp.request(NOTE)), [authority.root])
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_stamp_is_for_one_checkpoint_only(authority):
    other = checkpoint.sign(Checkpoint("sharekit/X/2026", 8, b"r" * 32), key=LOG)
    with pytest.raises(errors.LedgerTampered):
        stamp.verify(other, authority.stamp(stamp.request(NOTE)), [authority.root])


def test_an_authority_under_another_root_is_not_believed(authority, tmp_path):
    stranger = Authority(tmp_path / "stranger")
    response = stranger.stamp(stamp.request(NOTE))
    with pytest.raises(errors.NotTrusted):
        stamp.verify(NOTE, response, [authority.root])
    assert stamp.verify(NOTE, response, [authority.root, stranger.root])


BAD = {"nothing": b"", "text": b"no stamp", "huge": bytes(100_000)}


@pytest.mark.parametrize("response", BAD.values(), ids=BAD)
def test_what_is_no_stamp_is_malformed(response):
    with pytest.raises(errors.Malformed):
        stamp.imprint(response)


def test_a_flipped_bit_of_a_stamp_is_noticed(authority):
    response = authority.stamp(stamp.request(NOTE))
    at = stamp.verify(NOTE, response, [authority.root])
    noticed = 0
    for number in range(0, len(response), 7):
        flipped = response[:number] + bytes([response[number] ^ 1]) + response[number + 1 :]
        with contextlib.suppress(errors.ShareError):
            assert stamp.verify(NOTE, flipped, [authority.root]) == at  # a byte that is not signed, as of a certificate
            continue
        noticed += 1
    assert noticed > len(response) // 7 // 2


def test_the_root_must_be_a_certificate(authority):
    with pytest.raises(errors.Malformed):
        stamp.verify(NOTE, authority.stamp(stamp.request(NOTE)), [b"no certificate"])


def test_an_export_brings_stamps_and_the_auditor_says_how_far_they_reach(world, authority):
    world.flag()
    stamps, ledger = world.fernshire.stamps, world.fernshire.ledger
    response = authority.stamp(stamps.request())
    size, at = stamps.keep(response, [authority.root])
    assert size == ledger.size
    world.fernshire.export(world.folder / "export")
    trust = sharekit.Trust([world.fernshire.card()])
    report = sharekit.audit.audit(world.folder / "export", trust, roots=[authority.root])
    assert report.findings == ()
    assert [(each.org_id, each.size, each.at) for each in report.attested] == [("timestamp authority", size, at)]
    assert sharekit.audit.audit(world.folder / "export", trust).attested == ()


def test_a_stamp_by_an_authority_that_the_auditor_does_not_know_is_no_finding(world, authority, tmp_path):
    stranger = Authority(tmp_path / "stranger")
    world.flag()
    agency = world.fernshire
    response = stranger.stamp(agency.stamps.request())
    agency.stamps.keep(response, [stranger.root])
    agency.export(world.folder / "export")
    report = sharekit.audit.audit(world.folder / "export", sharekit.Trust([agency.card()]), roots=[authority.root])
    assert (report.findings, report.attested) == ((), ())


def test_a_stamp_of_something_else_in_an_export_is_a_finding(world, authority):
    world.flag()
    agency = world.fernshire
    response = authority.stamp(stamp.request(NOTE))
    agency.ledger.export(world.folder / "export", stamps=[(agency.ledger.checkpoint(), response)])
    report = sharekit.audit.audit(world.folder / "export", sharekit.Trust([agency.card()]), roots=[authority.root])
    assert [each.kind for each in report.findings] == ["attestation-invalid"]


def test_a_stamped_checkpoint_exposes_a_ledger_written_anew(world, authority, monkeypatch):
    world.flag()
    agency = world.fernshire
    response = authority.stamp(agency.stamps.request())
    agency.stamps.keep(response, [authority.root])
    agency.export(world.folder / "export")
    genesis, *_ = [sharekit.ledger.entry.Entry.decode(data) for _, data in agency.ledger.entries()]
    path = world.folder / "forged.db"
    with Ledger.create(path, origin=agency.ledger.origin, key=agency.keys.log, genesis=genesis) as forged:
        forged.append(sharekit.ledger.entry.Entry(2, genesis.time, nonce=bytes(16)))
        forged.append(sharekit.ledger.entry.Entry(2, genesis.time, nonce=bytes(16)))
        with contextlib.closing(sqlite3.connect(world.folder / "export")) as db:
            stamps = db.execute("SELECT note, token FROM stamp").fetchall()
        forged.export(world.folder / "forged", stamps=stamps)
    report = sharekit.audit.audit(world.folder / "forged", sharekit.Trust([agency.card()]), roots=[authority.root])
    assert {each.kind for each in report.findings} == {"forked"}


def test_a_stamp_for_nothing_that_was_asked_is_refused(world, authority):
    with pytest.raises(errors.Usage):
        world.fernshire.stamps.keep(authority.stamp(stamp.request(NOTE)), [authority.root])


def test_without_the_extra_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(errors.Usage) as raised:
        stamp.request(NOTE)
    assert "timestamp" in raised.value.hint
