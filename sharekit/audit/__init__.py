"""The auditor: verifies an export, answers questions about it, and writes the report.

It shares no code with what it audits: of this library only `domain`, `proofs`, `trust` and the ground.
Begin in `verify`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sharekit.audit.verify import AuditReport, audit

__all__ = ["AuditReport", "audit"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("sharekit.audit.verify"), name)
    raise AttributeError(f"module 'sharekit.audit' has no attribute {name!r}")
