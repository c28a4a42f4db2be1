"""An agency's own keys and card through the years: another passphrase, a copy for recovery, new particulars."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from sharekit.agency import home as homes
from sharekit.disk import files
from sharekit.errors import Malformed, NotTrusted, Usage
from sharekit.exchange.signer import Signer
from sharekit.record.record import Facts, Record
from sharekit.trust import keys, passphrases, recovery
from sharekit.trust.cards import Card
from sharekit.trust.keys import Keys
from sharekit.trust.recovery import Copy
from sharekit.trust.store import Trust

__all__ = ["OwnKeys", "at_rest", "check_own", "log_key", "recovered", "spelled"]


class OwnKeys:
    """What can be done with the keys of one agency while they are unlocked; WrongPassphrase while they are not.

    Everything is on the record before it has an effect. `renewed` is called with a new card.
    """

    def __init__(
        self,
        home: Path,
        signer: Signer,
        record: Record,
        trust: Trust,
        *,
        clock: Callable[[], datetime],
        renewed: Callable[[Card], None],
    ) -> None:
        self._home, self._signer, self._record, self._trust = home, signer, record, trust
        self._clock, self._renewed = clock, renewed

    def set_passphrase(self, passphrase: str | None) -> None:
        """Lock the keys with another passphrase, or with none; the vault opens as before.

        Usage if it is too short. Copies of the old key file still open with the old passphrase.
        """
        self._lock(passphrase, Facts())

    def lock_recovered(self, passphrase: str | None, copy: bytes) -> None:
        """The same after the keys were recovered from `copy`."""
        self._lock(passphrase, Facts(file=sha256(copy).digest()))

    def _lock(self, passphrase: str | None, facts: Facts) -> None:
        if passphrase is not None:
            passphrases.check_new(passphrase)
        data = keys.to_file(self._signer.keys, passphrase)
        with files.replacing(self._home / "keys" / "agency.key") as replacement:
            self._record.append("keys-changed", facts, now=self._clock())
            replacement.commit(data)

    def recovery_copy(self, partner: str | None = None) -> Copy:
        """A copy of the keys, and the secret that opens it; the secret is kept nowhere.

        With `partner`, an organisation whose card was confirmed, the copy holds the secret as well, for that card to
        open. UnknownSender or NotTrusted if there is no such card.
        """
        card = self._trust.card(partner) if partner is not None else None
        if card is not None and self._trust.unconfirmed([card]):
            raise NotTrusted(f"nobody has confirmed the card of {card.org_id}", hint="confirm its fingerprint first")
        made = recovery.make(self._signer.keys, org_id=self._signer.org_id, partner=card)
        self._record_copy(made.data, [card.org_id] if card else [])
        return made

    def recovery_secret(self, copy: bytes) -> bytes:
        """The secret of a partner's copy that was made for this agency's card, to be read out to that partner.

        NotForYou if it was made for another card, Malformed if it is no copy.
        """
        secret = recovery.secret_in(copy, self._signer.keys)
        self._record_copy(copy, [recovery.is_for(copy)])
        return secret

    def _record_copy(self, copy: bytes, parties: list[str]) -> None:
        facts = Facts(counterparties=parties, file=sha256(copy).digest())
        self._record.append("keys-changed", facts, now=self._clock())

    def renew_card(
        self, *, name: str | None = None, phone: str | None = None, out_of_hours_phone: str | None = None
    ) -> bytes:
        """A new card for the same keys, with what is given changed; an empty number out of hours takes it away.

        Partners believe it once they have added it. FieldInvalid for what cannot stand on a card.
        """
        changed = {"name": name, "phone": phone, "out_of_hours_phone": out_of_hours_phone}
        now = self._clock()
        with self._record.one_at_a_time():
            self._record.standing()  # finishes what a killed process had begun
            own = homes.read_card(self._home)  # another process may have renewed it since
            about = own.contact | {each: value for each, value in changed.items() if value is not None}
            about["out_of_hours_phone"] = about["out_of_hours_phone"] or None
            card = self._card(own, about, now)
            self._put(own, card, now)
        self._renewed(card)
        return card.data

    def _card(self, own: Card, about: Mapping[str, Any], now: datetime) -> Card:
        fit = homes.checked(org_type=own.org_type, **about)
        return Card.make(self._signer.keys, issued=now, demonstration=own.demonstration, **fit)

    def _put(self, own: Card, card: Card, now: datetime) -> None:
        """Record a new card, and put it in the place of `own`; both are kept."""
        for each in (own, card):
            homes.keep_card(self._home, each)
        with files.replacing(self._home / "card.cbor") as replacement:
            facts = Facts(counterparties=[card.org_id], file=card.fingerprint)
            self._record.append("card-renewed", facts, now=now)
            replacement.commit(card.data)


def log_key(home: Path) -> SigningKey:
    """The key that signs the ledgers of a home; Malformed if its file is damaged."""
    return keys.log_from_file(homes.read_part(home, "keys/log.key", what="the log key of this home"))


def at_rest(home: Path, passphrase: str | None) -> Keys | None:
    """The private keys of a home; None if they need a passphrase and none is given. WrongPassphrase, Malformed."""
    stored = homes.read_part(home, "keys/agency.key", what="the key file of this home")
    locked = passphrase is None and keys.is_protected(stored)
    return None if locked else keys.from_file(stored, log_key(home), passphrase)


def check_own(signer: Signer, log: SigningKey) -> None:
    """Return only if the key files are those of the card; a damaged seed would make packets nobody can read."""
    fits = bytes(log.verify_key) == signer.card.log_key
    if signer.private is not None:
        fits = fits and _is_of(signer.private, signer.card)
    if not fits:
        raise Malformed("the key files are not those of this home's card", hint="restore them from the backup")


def _is_of(private: Keys, card: Card) -> bool:
    """Whether somebody who holds these keys signs and opens for this card."""
    return (bytes(private.signing.verify_key), private.opening.public) == (card.signing, card.opening)


def recovered(home: Path, copy: bytes, secret: str) -> Keys:
    """The keys of this home from a copy, by the secret that somebody typed; their log key is put back.

    Usage if there is no home, the secret has a slip, or the keys are not those of the home's card; WrongPassphrase if
    the secret is another's; Malformed if `copy` is no copy.
    """
    if not homes.is_home(home):
        raise Usage("there is no sharekit home there", hint="restore it from its backup first")
    found, own = recovery.read(copy, recovery.secret_of(secret)), homes.read_card(home)
    if not _is_of(found, own):
        raise Usage("the copy holds the keys of another home", hint="check which home it was made for")
    homes.write_log_key(home, found)
    return found


def spelled(secret: bytes) -> str:
    """The secret of a copy as it is printed: eight groups of five letters and digits."""
    return recovery.spelled(secret)
