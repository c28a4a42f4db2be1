"""Terms and uses for the tests of the engine: an answer from a hospital, and a footing that stands for anybody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sharekit.domain.terms import ShareTerms
from sharekit.policy.use import Use
from world.agencies import example

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
REPLY, ENQUIRY = "information-reply", "safeguarding.s47-enquiry"  # a profile that most organisations may receive
ASSESSMENT = {
    "link": "The enquiry that it was given for led to this referral",
    "context_and_relationship": "A hospital told social care; the family knows that they speak to each other",
    "nature_incl_special_category": "Health information about one injury",
    "consequences": "The child is seen sooner; without it the injury is explained away",
    "safeguards": "Two named people read it, and it stays in the restricted part of the file",
}
FOOTING = {
    "basis": "art6-1-e",
    "art9": "art9-2-g+sch1-p18",
    "art10": "art10-sch1-p18",
    "gateway": "ca89-s47",
    "assessment": ASSESSMENT,
}
ORDER = {"basis": "art6-1-e", "gateway": "court-order", "reason": "Order FC-T1/26/0042 of 20 January 2027"}
GLASS = {"break_glass": True, "by": "Ama XXTEST-Reed", "reason": "The child is here and cannot be left"}
AGREED = [{"kind": "share-agreement", "by": "mother", "status": "given"}]
NOT_ASKED = [{"kind": "share-agreement", "status": "not-applicable-court-or-duty"}]
CONSENT = {"art6": "art6-1-a", "art9": ["art9-2-a"], "art10": []}


def terms(purpose: str = ENQUIRY, **changes: Any) -> ShareTerms:
    """Terms of a reply shared for `purpose`, with nothing prohibited; None takes a part out."""
    made = example(REPLY)[1] | {"purpose": purpose, "prohibited_purposes": [], "agreement": NOT_ASKED} | changes
    return ShareTerms({name: value for name, value in made.items() if value is not None})


def use(purpose: str, **footing: Any) -> Use:
    """What a council's social care does, unless another organisation is named."""
    return Use(**{"org_type": "local-authority-csc"} | footing, purpose=purpose)
