-- The entries of one or more exports as an auditor reads them: numbers spelled out as codes, lists as JSON.
-- Nothing of a person is in it; tokens, nonces and digests, which tell an auditor nothing, are left out.

CREATE TABLE entry (
    ledger         TEXT NOT NULL,    -- whose record and of which year: sharekit/ORG/YEAR
    entry          INTEGER NOT NULL, -- its number there
    owner          TEXT NOT NULL,    -- the agency whose record it is
    time           TEXT NOT NULL,    -- UTC
    day            TEXT NOT NULL,    -- the day that it was in Great Britain
    event          TEXT NOT NULL,    -- vocabulary ledger-events
    packet         TEXT,
    purpose        TEXT,             -- vocabulary purposes
    outcome        TEXT,             -- vocabulary outcomes
    rule           TEXT,
    counterparties TEXT,             -- a list of organisations
    bases          TEXT,             -- lists of codes: vocabularies art6, art9, art10, gateways
    art9           TEXT,
    art10          TEXT,
    gateways       TEXT,
    agreement      TEXT,             -- a list: vocabulary agreement-status
    kinds          TEXT,             -- a list as long as agreement: vocabulary agreement-kinds
    profile        TEXT,             -- vocabulary profiles
    act            TEXT,             -- vocabulary acts
    decision       TEXT,             -- the decision's own number
    decided        TEXT,             -- vocabulary decisions
    reasons        TEXT,             -- a list: vocabulary refusal-reasons
    adviser        TEXT,             -- vocabulary advice-roles
    disclosed      INTEGER,          -- 1: the adviser was told who the child is
    stage          TEXT,             -- vocabulary dispute-stages
    action         TEXT,             -- vocabulary action-kinds
    because        TEXT,             -- a list: vocabulary agreement-reasons
    override       INTEGER,          -- 1: somebody decided to share against a refusal, and wrote down why
    second         INTEGER,          -- 1: another person countersigned it
    lapsed         INTEGER,          -- 1: an agreement it rested on had ended
    lag            INTEGER,          -- minutes from when the sender knew
    act_by         TEXT,
    acknowledge_by TEXT,
    rationale      TEXT,             -- the same words of one agency and year have the same token
    left_out       INTEGER,          -- how many fields did not go, or were not shown
    reported       TEXT,             -- what a receipt says: vocabulary receipt-events
    undiscussed    INTEGER,          -- 1: whoever asked had not been told
    edition        TEXT,             -- the digest of the shipped data that are gone by from here on
    doubtful       INTEGER,          -- 1: the clock may have been wrong
    -- what the vocabularies make of the codes
    agreed         TEXT,             -- of a share: given, not-needed, no, or not-recorded
    against        INTEGER,          -- 1: somebody had refused it, or taken an agreement back
    allowed        INTEGER,          -- of an answer of the compatibility engine: 1 if data may be shown
    emergency      TEXT,             -- the kind of action by which an emergency is looked at again
    review_by      TEXT,             -- until when that was to be
    shared         INTEGER,          -- of a decision: 1 if data leave
    PRIMARY KEY (ledger, entry)
) WITHOUT ROWID;

-- what the codes mean, and under the vocabulary profiles what the kinds of share are called
CREATE TABLE code (vocabulary TEXT, code TEXT, label TEXT, definition TEXT, PRIMARY KEY (vocabulary, code)) WITHOUT ROWID;
