"""What is done with a packet of every mode when it is taken in: one table, mode to handler.

A new mode is a line here, and a method of the act that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sharekit.exchange.cosigning import Cosigning
from sharekit.exchange.post import Arrived, Received
from sharekit.exchange.receipts import Receipts
from sharekit.packet.wire import CHECKPOINT, RECEIPT, SHARE, Control

__all__ = ["Handler", "handlers"]

Handler = Callable[[Arrived, Control], Received]


def handlers(*, receipts: Receipts, cosigning: Cosigning) -> Mapping[str, Handler]:
    """Every mode that is taken in here, with its handler."""
    return {
        SHARE: receipts.deliver,
        RECEIPT: receipts.take,
        CHECKPOINT: cosigning.take,
    }
