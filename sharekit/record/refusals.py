"""What is a refusal, and how it is recorded."""

from __future__ import annotations

__all__ = ["REFUSALS"]

REFUSALS = (3, 4, 5)  # exit codes of what was looked at and turned down; the rest never got so far
