"""Who acts: this organisation, the person who sits at the desk, and the private keys while they are unlocked."""

from __future__ import annotations

from sharekit.errors import WrongPassphrase
from sharekit.packet.seal import Sender
from sharekit.trust.cards import Card
from sharekit.trust.keys import Keys
from sharekit.values import Value, field

__all__ = ["Signer"]


class Signer(Value):
    """An organisation by its own card, with its private keys, or None while they are locked; `repr` shows no key.

    `person` and `role` say who acts for it, and are None where nobody is named.
    """

    card: Card = field(repr=False)
    private: Keys | None = field(repr=False)
    person: str | None = None
    role: str | None = None

    @property
    def org_id(self) -> str:
        return self.card.org_id

    @property
    def org_type(self) -> str:
        return self.card.org_type

    @property
    def unlocked(self) -> bool:
        """Whether the private keys are here."""
        return self.private is not None

    @property
    def keys(self) -> Keys:
        """The private keys; WrongPassphrase while they are locked."""
        if self.private is None:
            raise WrongPassphrase("this home's keys need their passphrase")
        return self.private

    def check_unlocked(self) -> None:
        """Return only if the private keys are here; WrongPassphrase otherwise."""
        self.keys  # noqa: B018  # raises

    def sender(self, note: str | None = None) -> Sender:
        """The sender of a packet, with the checkpoint `note` where it carries one; WrongPassphrase while locked."""
        own = self.card
        return Sender(
            org_id=own.org_id,
            keys=self.keys,
            note=note,
            org_type=own.org_type,
            name=own.name,
            phone=own.phone,
            out_of_hours_phone=own.out_of_hours_phone,
            person=self.person,
            role=self.role,
        )
