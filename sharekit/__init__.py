"""sharekit: share the few facts that keep a child safe, for a purpose, with a record nobody can quietly change.

    import sharekit

    agency = sharekit.Agency.load("~/fernshire")
    packet = agency.seal(dataset, terms, to=["ZZQ01"])
    share = sharekit.Agency.load("~/quillbrook").open(packet, purpose="...", confirm={...})

Names are imported when they are first used: a command that only prints its help loads none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sharekit import cbor, cose, errors, merkle, registry
    from sharekit.agency.agency import Agency
    from sharekit.domain.profile import Minimised
    from sharekit.domain.terms import ShareTerms
    from sharekit.errors import ShareError
    from sharekit.packet.open import Manifest, Share, open_dataset, open_packet, read_manifest, verify
    from sharekit.packet.seal import Sender, minimise, seal
    from sharekit.packet.wire import Packet, Statement, parse
    from sharekit.policy.assess import assess
    from sharekit.policy.case import Situation
    from sharekit.policy.decide import Verdict, decide
    from sharekit.policy.use import Use
    from sharekit.trust.cards import Card
    from sharekit.trust.keys import Keys
    from sharekit.trust.store import Trust

__version__ = "0.1.0"

_HOMES = {
    "agency.agency": ("Agency",),
    "domain.profile": ("Minimised",),
    "domain.terms": ("ShareTerms",),
    "errors": ("ShareError",),
    "packet.open": ("Manifest", "Share", "open_dataset", "open_packet", "read_manifest", "verify"),
    "packet.seal": ("Sender", "minimise", "seal"),
    "packet.wire": ("Packet", "Statement", "parse"),
    "policy.assess": ("assess",),
    "policy.case": ("Situation",),
    "policy.decide": ("Verdict", "decide"),
    "policy.use": ("Use",),
    "trust.cards": ("Card",),
    "trust.keys": ("Keys",),
    "trust.store": ("Trust",),
}
_NAMES = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = frozenset({"audit", "cbor", "cose", "errors", "merkle", "registry"})

__all__ = [
    "Agency",
    "Card",
    "Keys",
    "Manifest",
    "Minimised",
    "Packet",
    "Sender",
    "Share",
    "ShareError",
    "ShareTerms",
    "Situation",
    "Statement",
    "Trust",
    "Use",
    "Verdict",
    "assess",
    "cbor",
    "cose",
    "decide",
    "errors",
    "merkle",
    "minimise",
    "open_dataset",
    "open_packet",
    "parse",
    "read_manifest",
    "registry",
    "seal",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"sharekit.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"sharekit.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'sharekit' has no attribute {name!r}")
