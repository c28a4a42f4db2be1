"""Every error that sharekit raises, in one tree.

    ShareError
      Usage                       the caller asked for something that cannot be done    exit 2
        WrongPassphrase           the key file did not open
        Locked                    others were at it for too long
      OutputUnwritable            the result could not be written                       exit 1
      Malformed                   bytes are not what they should be                     exit 3
      NotVerified                 parsed, must not be trusted                           exit 3
        UnknownSender, BadSignature, Revoked, Expired, NotYetValid, Replayed, NotTrusted
      CannotDecrypt               one answer, whatever the cause                        exit 3
      NotForYou                   no block for this agency's keys                       exit 4
      Refused                     policy says no, or not yet                            exit 5
        PurposeRefused            the verdict does not allow opening for this use
        GateNotMet                a rule of the rulebook, named by its id
        NotNeedToKnow             a sender or recipient outside the profile
        NotMinimal                a field that may not go
        FieldMissing, FieldInvalid, UnknownCode
        IdentityMismatch, UndertakingNeeded, Recalled, VisibilityEnded
      LedgerError                 the ledger cannot be written                          exit 6
        LedgerTampered            it does not verify: index, expected and found

Messages are lower case without a full stop. They name rules, fields and organisations, never a value of a
field, a key, or a purpose: an error is copied into e-mails and help desks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BadSignature",
    "CannotDecrypt",
    "Expired",
    "FieldInvalid",
    "FieldMissing",
    "GateNotMet",
    "IdentityMismatch",
    "LedgerError",
    "LedgerTampered",
    "Locked",
    "Malformed",
    "NotForYou",
    "NotMinimal",
    "NotNeedToKnow",
    "NotTrusted",
    "NotVerified",
    "NotYetValid",
    "OutputUnwritable",
    "PurposeRefused",
    "Recalled",
    "Refused",
    "Replayed",
    "Revoked",
    "ShareError",
    "UndertakingNeeded",
    "UnknownCode",
    "UnknownSender",
    "Usage",
    "VisibilityEnded",
    "WrongPassphrase",
]


class ShareError(Exception):
    """Base of every error: a stable `code`, a `message`, and a `hint` that says what to do next.

    `rule` and `source` name the rule that refused and where it comes from, where there is one.
    `packet` is the packet's id in hexadecimal once its statement has been read. Where the sender is owed a receipt of
    the refusal, `receipt` is the path of that receipt in the outbox, or `trouble` the error for which there is none.
    """

    code: ClassVar[str] = "unexpected"
    exit_code: ClassVar[int] = 1
    hint: str = ""
    receipt: Path | None = None
    trouble: ShareError | None = None

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        rule: str | None = None,
        source: str | None = None,
        packet: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = type(self).hint if hint is None else hint
        self.rule = rule
        self.source = source
        self.packet = packet


class Usage(ShareError):
    code = "usage"
    exit_code = 2


class WrongPassphrase(Usage):
    code = "wrong-passphrase"
    hint = "give the passphrase at the prompt, with --passphrase-file, or in SHAREKIT_PASSPHRASE_FILE"


class Locked(Usage):
    """Somebody else was at it for as long as this waits, and nothing was done."""

    code = "locked"
    hint = "nothing was done; wait for the other command to end, then try again"


class OutputUnwritable(ShareError):
    code = "output-unwritable"
    hint = "choose a folder that you may write to, with room left on its disk"


class Malformed(ShareError):
    code = "malformed"
    exit_code = 3
    hint = "ask the sender for the file again; it may have been cut short or changed on the way"


class NotVerified(ShareError):
    code = "not-trusted"
    exit_code = 3


class NotTrusted(NotVerified):
    hint = "compare the fingerprint with the agency over the telephone before you trust a card"


class UnknownSender(NotVerified):
    code = "unknown-sender"
    hint = "ask the sender for their card, confirm its fingerprint by telephone, then: sharekit trust add CARD"


class BadSignature(NotVerified):
    code = "bad-signature"
    hint = "do not rely on it; tell the sender, by a telephone number you already hold"


class Revoked(NotVerified):
    code = "revoked"
    hint = "telephone the sender and ask for the packet again, sealed with their present key"


class Expired(NotVerified):
    code = "expired"
    hint = "ask the sender whether it is still right, and to seal it again"


class NotYetValid(NotVerified):
    code = "not-yet-valid"
    hint = "compare this machine's clock with the sender's"


class Replayed(NotVerified):
    code = "replayed"
    hint = "a packet with this number but other content was seen before; telephone the sender"


class CannotDecrypt(ShareError):
    code = "cannot-decrypt"
    exit_code = 3
    hint = "ask the sender to seal it again to your present card"


class NotForYou(ShareError):
    code = "not-for-you"
    exit_code = 4
    hint = "it is sealed for other agencies; tell the sender that it reached you, and delete it"


class Refused(ShareError):
    code = "gate-not-met"
    exit_code = 5


class PurposeRefused(Refused):
    """The verdict of `decide` does not allow this use; the code says which way it refused."""

    def __init__(self, message: str, *, code: str, hint: str, rule: str, source: str | None = None) -> None:
        super().__init__(message, hint=hint, rule=rule, source=source)
        self.code = code  # type: ignore[misc]  # one class, a closed list of codes held in schemas/engine.json


class GateNotMet(Refused):
    code = "gate-not-met"


class NotNeedToKnow(Refused):
    code = "not-need-to-know"
    hint = "sharekit profiles show NAME lists who may send it and who may receive it"


class NotMinimal(Refused):
    code = "field-not-allowed"
    hint = "take the field out; sharekit profiles show NAME lists what may be shared, and for what"


class FieldMissing(Refused):
    code = "field-missing"
    hint = "add it; sharekit profiles show NAME lists what is needed"


class FieldInvalid(Refused):
    code = "field-invalid"
    hint = "correct it at its source, so that the record is right too"


class UnknownCode(Refused):
    code = "unknown-code"
    hint = "sharekit vocab NAME lists the codes"


class IdentityMismatch(Refused):
    code = "identity-mismatch"
    hint = "check the second identifier with the person in front of you; nothing was shown"


class UndertakingNeeded(Refused):
    code = "undertaking-needed"


class Recalled(Refused):
    """The sender has called the packet back; nothing raises it yet."""

    code = "recalled"


class VisibilityEnded(Refused):
    code = "visibility-ended"
    hint = "the flag stopped being visible; ask the responsible authority whether there is a newer one"


class LedgerError(ShareError):
    code = "ledger-unwritable"
    exit_code = 6
    hint = "nothing was released; free some disk or mend the permissions of the home, then try again"


class LedgerTampered(LedgerError):
    """The record does not verify: `index` is the entry, `expected` and `found` are hashes in hexadecimal."""

    code = "ledger-tampered"
    hint = "stop using this ledger, keep a copy of it as it is, and call your auditor"

    def __init__(
        self,
        message: str,
        *,
        index: int | None = None,
        expected: str | None = None,
        found: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.index = index
        self.expected = expected
        self.found = found
