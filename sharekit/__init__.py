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
    from sharekit import audit, cbor, checkpoint, cose, errors, ledger, merkle, profile, registry, vocabulary
    from sharekit.agency import Agency
    from sharekit.case import Situation
    from sharekit.errors import ShareError
    from sharekit.keys import Keys
    from sharekit.opening import open_dataset, open_packet, read_manifest, verify
    from sharekit.packet import Manifest, Packet, Share, Statement, parse
    from sharekit.policy import Use, Verdict, assess, decide
    from sharekit.profile import Minimised
    from sharekit.sealing import Sender, minimise, seal
    from sharekit.terms import ShareTerms
    from sharekit.trust import Card, Trust

__version__ = "0.1.0"

_HOMES = {
    "agency": ("Agency",),
    "case": ("Situation",),
    "errors": ("ShareError",),
    "keys": ("Keys",),
    "opening": ("open_dataset", "open_packet", "read_manifest", "verify"),
    "packet": ("Manifest", "Packet", "Share", "Statement", "parse"),
    "policy": ("Use", "Verdict", "assess", "decide"),
    "profile": ("Minimised",),
    "sealing": ("Sender", "minimise", "seal"),
    "terms": ("ShareTerms",),
    "trust": ("Card", "Trust"),
}
_NAMES = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = frozenset(
    {*_HOMES, "audit", "cbor", "checkpoint", "cose", "ledger", "merkle", "registry", "vault", "vocabulary"}
)

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
    "audit",
    "cbor",
    "checkpoint",
    "cose",
    "decide",
    "errors",
    "ledger",
    "merkle",
    "minimise",
    "open_dataset",
    "open_packet",
    "parse",
    "profile",
    "read_manifest",
    "registry",
    "seal",
    "verify",
    "vocabulary",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"sharekit.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"sharekit.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'sharekit' has no attribute {name!r}")
