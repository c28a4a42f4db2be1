"""sharekit: share the few facts that keep a child safe, for a purpose, with a record nobody can quietly change.

    import sharekit

    with sharekit.Agency.load("~/fernshire") as fernshire:
        packet = fernshire.seal(dataset, terms, to="ZZQ01")
    with sharekit.Agency.load("~/quillbrook") as quillbrook:
        share = quillbrook.open(packet, purpose="...", confirm={...})

Names are imported when they are first used: a command that only prints its help loads none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sharekit import cbor, cose, errors, merkle, registry
    from sharekit.advice.brief import Brief
    from sharekit.agency.agency import Agency
    from sharekit.agency.keys import OwnKeys
    from sharekit.agency.lookups import LookUps
    from sharekit.agency.shipped import Kind
    from sharekit.agency.trial import Trial
    from sharekit.agency.trust import AgencyTrust
    from sharekit.disk.files import Replacement
    from sharekit.domain.display import is_plain_line, json_shown, shown
    from sharekit.domain.forms import saved_text
    from sharekit.domain.profile import Minimised, Profile
    from sharekit.domain.terms import ShareTerms
    from sharekit.domain.vocabulary import Term, Vocabulary
    from sharekit.domain.workdays import day_of
    from sharekit.errors import ShareError
    from sharekit.exchange.ask_advice import AskingAdvice
    from sharekit.exchange.cosigning import Cosigning
    from sharekit.exchange.decisions import Decisions, Recorded, Step, Summary
    from sharekit.exchange.destroy import Retention
    from sharekit.exchange.local_policy import OwnPolicy
    from sharekit.exchange.post import Received
    from sharekit.exchange.receipts import Receipts
    from sharekit.exchange.receive import Opened, Verified
    from sharekit.exchange.send import Sealed, Sending
    from sharekit.exchange.stamping import Stamping
    from sharekit.ledger.entry import Entry
    from sharekit.ledger.log import Ledger
    from sharekit.ledger.move import Moved
    from sharekit.moments import time_of
    from sharekit.packet.open import Manifest, Share, open_dataset, open_packet, read_manifest, verify
    from sharekit.packet.receipt import Receipt
    from sharekit.packet.seal import Examined, Sender, minimise, seal
    from sharekit.packet.wire import Packet, Statement, parse
    from sharekit.policy.assess import Finding, assess
    from sharekit.policy.case import Situation
    from sharekit.policy.decide import Obligation, Verdict, decide
    from sharekit.policy.golden_rules import Judged
    from sharekit.policy.local import Change, LocalPolicy
    from sharekit.policy.rulebook import Explanation, Rulebook
    from sharekit.policy.use import Use
    from sharekit.proofs.attestation import Attestation
    from sharekit.proofs.checkpoint import Checkpoint
    from sharekit.record.lookups import LookUp
    from sharekit.record.record import Record
    from sharekit.record.standing import Standing
    from sharekit.trust.cards import Card
    from sharekit.trust.keys import Keys
    from sharekit.trust.recovery import Copy
    from sharekit.trust.store import Pin, Trust
    from sharekit.vault.actions import Action
    from sharekit.vault.attestations import Fork, Said
    from sharekit.vault.kept import Kept

__version__ = "0.1.0"

_HOMES = {
    "advice.brief": ("Brief",),
    "agency.agency": ("Agency",),
    "agency.keys": ("OwnKeys",),
    "agency.lookups": ("LookUps",),
    "agency.shipped": ("Kind",),
    "agency.trial": ("Trial",),
    "agency.trust": ("AgencyTrust",),
    "disk.files": ("Replacement",),
    "domain.display": ("is_plain_line", "json_shown", "shown"),
    "domain.forms": ("saved_text",),
    "domain.profile": ("Minimised", "Profile"),
    "domain.terms": ("ShareTerms",),
    "domain.vocabulary": ("Term", "Vocabulary"),
    "domain.workdays": ("day_of",),
    "errors": ("ShareError",),
    "exchange.ask_advice": ("AskingAdvice",),
    "exchange.cosigning": ("Cosigning",),
    "exchange.decisions": ("Decisions", "Recorded", "Step", "Summary"),
    "exchange.destroy": ("Retention",),
    "exchange.local_policy": ("OwnPolicy",),
    "exchange.post": ("Received",),
    "exchange.receipts": ("Receipts",),
    "exchange.receive": ("Opened", "Verified"),
    "exchange.send": ("Sealed", "Sending"),
    "exchange.stamping": ("Stamping",),
    "ledger.entry": ("Entry",),
    "ledger.log": ("Ledger",),
    "ledger.move": ("Moved",),
    "moments": ("time_of",),
    "packet.open": ("Manifest", "Share", "open_dataset", "open_packet", "read_manifest", "verify"),
    "packet.receipt": ("Receipt",),
    "packet.seal": ("Examined", "Sender", "minimise", "seal"),
    "packet.wire": ("Packet", "Statement", "parse"),
    "policy.assess": ("Finding", "assess"),
    "policy.case": ("Situation",),
    "policy.decide": ("Obligation", "Verdict", "decide"),
    "policy.golden_rules": ("Judged",),
    "policy.local": ("Change", "LocalPolicy"),
    "policy.rulebook": ("Explanation", "Rulebook"),
    "policy.use": ("Use",),
    "proofs.attestation": ("Attestation",),
    "proofs.checkpoint": ("Checkpoint",),
    "record.lookups": ("LookUp",),
    "record.record": ("Record",),
    "record.standing": ("Standing",),
    "trust.cards": ("Card",),
    "trust.keys": ("Keys",),
    "trust.recovery": ("Copy",),
    "trust.store": ("Pin", "Trust"),
    "vault.actions": ("Action",),
    "vault.attestations": ("Fork", "Said"),
    "vault.kept": ("Kept",),
}
_NAMES = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = frozenset({"audit", "cbor", "cose", "errors", "merkle", "registry"})

__all__ = [
    "Action",
    "Agency",
    "AgencyTrust",
    "AskingAdvice",
    "Attestation",
    "Brief",
    "Card",
    "Change",
    "Checkpoint",
    "Copy",
    "Cosigning",
    "Decisions",
    "Entry",
    "Examined",
    "Explanation",
    "Finding",
    "Fork",
    "Judged",
    "Kept",
    "Keys",
    "Kind",
    "Ledger",
    "LocalPolicy",
    "LookUp",
    "LookUps",
    "Manifest",
    "Minimised",
    "Moved",
    "Obligation",
    "Opened",
    "OwnKeys",
    "OwnPolicy",
    "Packet",
    "Pin",
    "Profile",
    "Receipt",
    "Receipts",
    "Received",
    "Record",
    "Recorded",
    "Replacement",
    "Retention",
    "Rulebook",
    "Said",
    "Sealed",
    "Sender",
    "Sending",
    "Share",
    "ShareError",
    "ShareTerms",
    "Situation",
    "Stamping",
    "Standing",
    "Statement",
    "Step",
    "Summary",
    "Term",
    "Trial",
    "Trust",
    "Use",
    "Verdict",
    "Verified",
    "Vocabulary",
    "assess",
    "cbor",
    "cose",
    "day_of",
    "decide",
    "errors",
    "is_plain_line",
    "json_shown",
    "merkle",
    "minimise",
    "open_dataset",
    "open_packet",
    "parse",
    "read_manifest",
    "registry",
    "saved_text",
    "seal",
    "shown",
    "time_of",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"sharekit.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"sharekit.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'sharekit' has no attribute {name!r}")
