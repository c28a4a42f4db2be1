-- What may and must be forgettable. Whatever is personal is sealed under the vault key; indexes are HMACs.
PRAGMA application_id = 1936220534; -- "shav"
PRAGMA user_version = 2;

-- one row: HMAC(vault key, "sharekit vault owner"), so that a key that is not this vault's is noticed
CREATE TABLE owner (
    token BLOB NOT NULL
);

-- the newest checkpoint of each ledger when it was last opened: one that is gone, or shorter, is noticed
CREATE TABLE ledger (
    origin TEXT PRIMARY KEY,
    note TEXT NOT NULL
) WITHOUT ROWID;

-- what the entries of the ledgers say holds (cards, holds, policy), and how far they were read: fingerprints, numbers and
-- digests, believed only with their HMAC, for otherwise the ledgers are read again
CREATE TABLE standing (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    state BLOB NOT NULL,
    token BLOB NOT NULL
);

-- packets sealed here and received here: numbers, digests and times, nothing personal
CREATE TABLE packet (
    sender TEXT NOT NULL,
    cti BLOB NOT NULL,
    digest BLOB NOT NULL,
    recipients TEXT NOT NULL DEFAULT '',  -- who may send receipts: the org_ids for whom it was sealed here
    first_seen INTEGER NOT NULL,
    recorded INTEGER NOT NULL DEFAULT 0,  -- 1 once the ledger has its entry
    opened INTEGER,                       -- when it was first opened here
    PRIMARY KEY (sender, cti)
) WITHOUT ROWID;

-- files refused before their signature had verified: one ledger entry each, however often they come. Nothing here lets
-- a file be guessed: the token of a packet is its hash, for nobody guesses what is sealed; of anything else it is an HMAC
-- under the vault key
CREATE TABLE refused_file (
    token BLOB PRIMARY KEY
) WITHOUT ROWID;

-- how many files that were no packets a locked home has refused on a day, of which it can keep no token
CREATE TABLE refused_count (
    day INTEGER PRIMARY KEY,              -- days since 1970
    count INTEGER NOT NULL
) WITHOUT ROWID;

-- how the last decisions were explained, oldest first: HMACs, so that words used for one child after another are noticed
CREATE TABLE rationale (
    seq INTEGER PRIMARY KEY,
    decision BLOB NOT NULL UNIQUE,
    token BLOB NOT NULL                   -- HMAC(index key, "rationale" || 0 || the words, plain)
);

CREATE TABLE subject (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: an index must not come to point to another child
    sealed_key BLOB NOT NULL,
    tried INTEGER NOT NULL DEFAULT 0      -- up to which of `unclaimed` its key was tried
);

CREATE TABLE subject_index (
    token BLOB PRIMARY KEY,               -- HMAC(index key, scheme || 0 || value)
    subject INTEGER NOT NULL REFERENCES subject (id)
) WITHOUT ROWID;

-- what an auditor may need to know for a time about one ledger entry, found by the entry's nonce
CREATE TABLE detail (
    nonce BLOB PRIMARY KEY,
    sealed BLOB NOT NULL
) WITHOUT ROWID;

-- what is still to be done: kinds, dates and references in the clear, so that a locked home can list them; words
-- about an action are a detail under its id
CREATE TABLE action (
    id BLOB PRIMARY KEY,                  -- random
    kind INTEGER NOT NULL,                -- a number of the vocabulary action-kinds
    due INTEGER NOT NULL,
    reference BLOB NOT NULL,              -- the packet or the decision that it belongs to
    party TEXT,                           -- the organisation that is to do something, where it is another
    opened_by BLOB NOT NULL,              -- the nonce of the ledger entry that opened it
    closed_by BLOB                        -- the nonce of the one that closed it
) WITHOUT ROWID;

-- entries under way: what the vault holds for them counts once they are in the ledger, and is undone if they never come
CREATE TABLE pending (
    nonce BLOB PRIMARY KEY,
    since INTEGER NOT NULL,
    start INTEGER NOT NULL DEFAULT 0      -- from which number on the entry stands, if it came
) WITHOUT ROWID;

-- the newest checkpoint of each partner's ledger that this agency has cosigned
CREATE TABLE witnessed (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    note TEXT NOT NULL                    -- with this agency's cosignature
) WITHOUT ROWID;

-- the newest checkpoints of each partner's ledger that came with its packets: a ledger that goes back is noticed
CREATE TABLE seen (
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    note TEXT NOT NULL,                   -- with the signature of the ledger alone
    least INTEGER NOT NULL,               -- how many entries it had at least: a packet is itself one more
    at INTEGER NOT NULL,                  -- since when that is known here
    PRIMARY KEY (origin, size)
) WITHOUT ROWID;

-- two signed checkpoints of one ledger: they contradict each other, or the other, smaller, was sent after the note was
-- known, for the ledger went back; evidence, never removed
CREATE TABLE fork (
    origin TEXT NOT NULL,
    note TEXT NOT NULL,
    other TEXT NOT NULL,
    seen INTEGER NOT NULL,
    PRIMARY KEY (origin, note, other)
) WITHOUT ROWID;

-- what partners said in their receipts: what became of a packet, proven, and our checkpoints that they cosigned
CREATE TABLE attestation (
    packet BLOB NOT NULL,
    org_id TEXT NOT NULL,
    event TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    entry BLOB NOT NULL,                  -- the partner's ledger entry
    proof BLOB NOT NULL,                  -- CBOR [COSE receipt, note] of that entry
    cosigned TEXT,                        -- our note with the partner's cosignature, where there is one
    statement BLOB,                       -- what we had signed about the packet; NULL in receipts of earlier releases
    PRIMARY KEY (packet, org_id, event, entry)
) WITHOUT ROWID;

-- what is kept of a packet, by which retention rule and until when; none of it personal without the subject's index
CREATE TABLE kept (
    sender TEXT NOT NULL,
    packet BLOB NOT NULL,
    subject INTEGER REFERENCES subject (id),
    rule INTEGER NOT NULL,                -- a number of the vocabulary retention-rules
    due BLOB,                             -- the day, sealed; NULL where only somebody who looks can tell
    held INTEGER NOT NULL DEFAULT 0,      -- 1 while a legal hold suspends destruction
    PRIMARY KEY (sender, packet)
) WITHOUT ROWID;

-- days that an earlier edition wrote as numbers, in the clear: none, once the vault was unlocked
CREATE INDEX kept_in_clear ON kept (packet) WHERE typeof(due) = 'integer';
CREATE INDEX kept_packet ON kept (packet);
CREATE INDEX kept_subject ON kept (subject);

-- checkpoints for which a time stamp was asked, and the stamps (RFC 3161) that came
CREATE TABLE stamp (
    note TEXT PRIMARY KEY,
    asked INTEGER NOT NULL,
    token BLOB
) WITHOUT ROWID;

-- the local policies that were set here, each with the signed act that set it: what the ledger says is in force is
-- found by its hash when policy.toml is gone
CREATE TABLE policy (
    digest BLOB PRIMARY KEY,
    document BLOB NOT NULL,
    act BLOB NOT NULL
) WITHOUT ROWID;

-- drafts that were sealed, by HMAC(index key, data, terms and recipients), so that one that is sealed again is noticed
CREATE TABLE draft (
    token BLOB PRIMARY KEY,
    packet BLOB NOT NULL
) WITHOUT ROWID;

-- where entries stand: by the number of a packet or of a decision, or by event; what the ledgers say, made from them again
-- where it is missing
CREATE TABLE located (
    key BLOB NOT NULL,                    -- 16 bytes of a packet or a decision, or 2 of an event
    year INTEGER NOT NULL,                -- of the ledger
    seq INTEGER NOT NULL,
    PRIMARY KEY (key, year, seq)
) WITHOUT ROWID;

-- up to which entry a ledger was read: for `located`, and for `mention`
CREATE TABLE reached (
    year INTEGER PRIMARY KEY,
    located INTEGER NOT NULL DEFAULT 0,
    mentioned INTEGER NOT NULL DEFAULT 0,
    whole INTEGER NOT NULL DEFAULT 0      -- 1 once all of it was read for both, and the year is over
);

-- the entries about a subject, oldest first: how many there are is in the clear, which they are is sealed
CREATE TABLE mention (
    subject INTEGER NOT NULL REFERENCES subject (id),
    kind INTEGER NOT NULL,                -- 0 somebody only looked, 1 it tells what became of data, 2 anything else
    number INTEGER NOT NULL,
    mark BLOB NOT NULL UNIQUE,            -- HMAC(mention key, nonce of the entry)
    sealed BLOB NOT NULL,                 -- the ledger's year, a number from which on the entry stands there, its nonce
    PRIMARY KEY (subject, kind, number)
) WITHOUT ROWID;

-- entries with a subject's token that have no mention: made before there were any, or since this vault was saved
CREATE TABLE unclaimed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    year INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    token BLOB NOT NULL                   -- the subject's, as the entry has it
);

-- one row: how many packets were destroyed since the file was last written anew
CREATE TABLE anew (
    destroyed INTEGER NOT NULL
);
INSERT INTO anew VALUES (0);

CREATE INDEX action_reference ON action (reference);
CREATE INDEX action_open ON action (due) WHERE closed_by IS NULL;
CREATE INDEX action_closed ON action (closed_by) WHERE closed_by IS NOT NULL;
CREATE INDEX subject_tried ON subject (tried);
CREATE INDEX attestation_time ON attestation (at);
CREATE INDEX mention_looked ON mention (subject) WHERE kind = 0;
CREATE INDEX draft_packet ON draft (packet);
