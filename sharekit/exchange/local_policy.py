"""The local policy of a home: read each time it is needed, and set by an act that is signed and stands in the ledger.

    home/policy.toml      what the agency does otherwise than shipped
    home/policy.cose      the act that set it: COSE_Sign1 over { 1: org_id, 2: SHA-256 of policy.toml, 3: time }

Once one was set, the newest that the ledger has is in force, whatever the two files say: the vault keeps what was set,
by its hash, and the files are written from it. Before that, what only makes the shipped policy stricter is honoured as
it stands, whoever wrote it. What makes it looser counts only as it was signed with the agency's own key. Whatever is
wrong with it, nothing is opened or sealed until it is put right, but for an emergency.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sharekit import cbor, cose
from sharekit.disk import files
from sharekit.errors import GateNotMet, Malformed, NotTrusted, NotVerified, OutputUnwritable, ShareError, Usage
from sharekit.exchange.signer import Signer
from sharekit.ledger.entry import Entry
from sharekit.moments import is_seconds, seconds_of, time_of
from sharekit.policy import local
from sharekit.policy.local import RULE, SOURCE, LocalPolicy
from sharekit.record.record import Facts, Record
from sharekit.values import Value
from sharekit.vault.actions import Promise

__all__ = ["OwnPolicy"]

TYP = "application/sharekit.policy+cose"
EVENT = "policy-changed"
_HEADER = (cose.ALG, cose.KID, cose.TYP)
_AGAIN = "look at it with: sharekit policy check policy.toml; then set it with: sharekit policy set FILE --loosen"


class Act(Value):
    """A signed act: which policy, by its hash, and when it was set."""

    digest: bytes
    at: datetime


class OwnPolicy:
    """The local policy of one agency: what is in force, and the acts that set another."""

    def __init__(self, home: Path, signer: Signer, record: Record, clock: Callable[[], datetime]) -> None:
        self._policy, self._act = home / "policy.toml", home / "policy.cose"
        self._signer, self._record, self._clock = signer, record, clock
        record.finish(EVENT, self._finish)

    def in_force(self) -> LocalPolicy:
        """The policy in force: the one set last, or without one what `policy.toml` says, or the shipped one.

        Raises what `policy.local.parse` raises; NotTrusted, BadSignature or Malformed where it is looser than shipped
        and no act says so, or where the one set last is not here any more.
        """
        digest = self._record.standing().policy
        try:
            data = self._file() if digest is None else self._document(digest)
            return local.shipped() if data is None else self._checked(data)
        except ShareError as problem:
            problem.rule = problem.rule or RULE
            raise

    def is_astray(self) -> bool:
        """Whether `policy.toml` is not the policy that was set last: what it says counts for nothing."""
        digest = self._record.standing().policy
        return digest is not None and self._digest_of_file() != digest

    def _checked(self, data: bytes) -> LocalPolicy:
        policy = local.parse(data)
        if policy.loosens:
            self._check_act(policy)
        return policy

    def _document(self, digest: bytes) -> bytes:
        """The text of the policy with that hash, wherever it is kept."""
        kept = self._record.vault.policies.document(digest)
        if kept is not None and sha256(kept).digest() == digest:
            return kept
        with contextlib.suppress(Malformed):
            data = self._file()
            if data is not None and sha256(data).digest() == digest:
                return data
        raise NotTrusted(
            "the policy that this agency set last is not in this home any more, and what it forbade is not known",
            hint="put policy.toml and policy.cose back from the backup, or set one: sharekit policy set FILE",
            rule=RULE,
            source=SOURCE,
        )

    def _file(self) -> bytes | None:
        """What stands in `policy.toml`; None if there is none, Malformed if it cannot be read."""
        if not os.path.lexists(self._policy):
            return None
        try:
            if not self._policy.is_file():
                raise OSError
            return files.read(self._policy, limit=local.MAX_BYTES, what="policy.toml")
        except (OSError, Usage):
            raise Malformed("policy.toml cannot be read", hint="put a file in its place, or take it away") from None

    def _digest_of_file(self) -> bytes | None:
        with contextlib.suppress(Malformed):
            data = self._file()
            return None if data is None else sha256(data).digest()
        return None

    def _acts(self, digest: bytes) -> Iterator[bytes]:
        """The acts that may have set the policy with that hash: as the vault keeps it, and as it lies in the home."""
        kept = self._record.vault.policies.act(digest)
        if kept is not None:
            yield kept
        if self._act.is_file():
            yield files.read(self._act, limit=4096, what="policy.cose")

    def _signed_act(self, data: bytes) -> Act:
        """The act that the bytes are, if this agency signed it."""
        own = self._signer.card
        message = cose.parse_sign1(data, required=_HEADER)
        cose.verify_sign1(message, own.signing)
        if message.header[cose.TYP] != TYP or message.header[cose.KID] != own.kid:
            raise _no_act("the act beside the local policy is of another kind, or signed with another key")
        return _act(cbor.decode(message.payload), own.org_id)

    def set_at(self) -> datetime | None:
        """When the policy in force was set; None if it was written by hand, or is the shipped one."""
        try:
            return self._check_act(self.in_force()).at
        except (NotVerified, Malformed):
            return None

    def tighten(self, data: bytes, *, reason: str) -> int:
        """Take the `policy.toml` in `data` into use, which is nowhere looser than shipped; the number of its entry.

        Raises Malformed, NotMinimal, FieldMissing, UnknownCode, FieldInvalid; GateNotMet if it is looser; Usage if
        nobody is named who answers for it, or no reason; WrongPassphrase, OutputUnwritable, LedgerError.
        """
        self._check_answerable()
        policy = local.parse(data)
        if policy.loosens:
            raise _looser(policy)
        return self._set(policy, data, reason)

    def loosen(self, data: bytes, *, reason: str) -> int:
        """Take the `policy.toml` in `data` into use, looser or not; the number of its entry. Errors likewise."""
        self._check_answerable()
        return self._set(local.parse(data), data, reason)

    def _check_answerable(self) -> None:
        """Return only if somebody answers for a policy, with the keys at hand."""
        if not (self._signer.person and self._signer.role):
            raise Usage("somebody answers for a policy", hint="say who: --as NAME --role ROLE")
        self._signer.check_unlocked()

    def _set(self, policy: LocalPolicy, data: bytes, reason: str) -> int:
        """Signed, then recorded, and only then in force."""
        if not reason.strip():
            raise Usage("a policy is set for a reason", hint="add --reason TEXT")
        assert policy.digest is not None  # it was parsed
        now = self._clock()
        signed = _signed(Act(policy.digest, now), self._signer)
        facts = Facts(file=policy.digest, promise=Promise(words={"reason": reason}))
        with files.replacing(self._act) as act, files.replacing(self._policy) as text:
            self._record.vault.policies.keep(policy.digest, data, signed)
            number = self._record.append(EVENT, facts, now=now)
            with contextlib.suppress(OutputUnwritable):  # it is in force; its files follow with the next act
                act.commit(signed)
                text.commit(data)
        return number

    def _finish(self, entries: Sequence[Entry]) -> None:
        """Write the files of the policy set last, if a killed process has not; keep it where only a file has it."""
        digest, policies = entries[-1].file or b"", self._record.vault.policies
        document, act = policies.document(digest), policies.act(digest)
        if document is None:
            if self._digest_of_file() == digest and self._act.is_file():
                policies.keep(digest, self._file() or b"", files.read(self._act, limit=4096, what="policy.cose"))
        elif act is not None and self._digest_of_file() != digest:
            with contextlib.suppress(OutputUnwritable):
                files.write(self._act, act)
                files.write(self._policy, document)

    def _check_act(self, policy: LocalPolicy) -> Act:
        """The act that set a policy; NotTrusted, BadSignature or Malformed if there is none."""
        problem: ShareError = _no_act("the local policy is looser than the shipped one, and nobody signed that")
        for data in self._acts(policy.digest or b""):
            try:
                act = self._signed_act(data)
            except (NotVerified, Malformed) as wrong:
                problem = wrong
                continue
            if act.digest != policy.digest:
                problem = _no_act(
                    "the local policy is looser than the shipped one, and was changed after it was signed"
                )
            elif self._record.standing().policy != act.digest:
                problem = _no_act("the local policy is looser than the shipped one, and not the one that was set last")
            else:
                return act
        raise problem


def _act(payload: Any, org_id: str) -> Act:
    match payload:
        case {1: str() as org, 2: bytes() as digest, 3: int() as time, **rest}:
            if not rest and org == org_id and len(digest) == 32 and is_seconds(time):
                return Act(digest, time_of(time))
    raise Malformed("policy.cose is not an act of this agency", hint=_AGAIN)


def _signed(act: Act, signer: Signer) -> bytes:
    header = {cose.ALG: cose.ED25519, cose.KID: signer.card.kid, cose.TYP: TYP}
    payload = {1: signer.org_id, 2: act.digest, 3: seconds_of(act.at)}
    return cose.sign1(header, cbor.encode(payload), signer.keys.signing)


def _no_act(message: str) -> NotTrusted:
    return NotTrusted(message, hint=_AGAIN, rule=RULE, source=SOURCE)


def _looser(policy: LocalPolicy) -> GateNotMet:
    count = sum(change.looser for change in policy.changes)
    return GateNotMet(
        f"the policy is looser than the shipped one in {count} {'thing' if count == 1 else 'things'}",
        hint="sharekit policy check FILE lists them; add --loosen if they are meant: it is signed and recorded",
        rule=RULE,
        source=SOURCE,
    )
