-- Edition 4 knows where the entries about a packet, a decision, an event or a subject stand.
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
ALTER TABLE subject ADD COLUMN tried INTEGER NOT NULL DEFAULT 0; -- up to which of `unclaimed` its key was tried
ALTER TABLE pending ADD COLUMN start INTEGER NOT NULL DEFAULT 0; -- from which number on the entry stands, if it came

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
