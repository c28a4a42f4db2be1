-- Edition 2 remembers what the ledgers say holds, and where their entries stand; it has nothing in the clear from which a
-- birth date follows, and no token by which a file is guessed; and it keeps what partners have shown.

-- what the entries of the ledgers say holds (cards, holds, policy), and how far they were read: fingerprints, numbers and
-- digests, believed only with their HMAC, for otherwise the ledgers are read again
CREATE TABLE standing (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    state BLOB NOT NULL,
    token BLOB NOT NULL
);

-- nothing in the clear from which a birth date follows, and no token by which a file is guessed
CREATE TABLE kept_now (
    sender TEXT NOT NULL,
    packet BLOB NOT NULL,
    subject INTEGER REFERENCES subject (id),
    rule INTEGER NOT NULL,
    due BLOB,
    held INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (sender, packet)
) WITHOUT ROWID;
INSERT INTO kept_now SELECT sender, packet, subject, rule, due, held FROM kept;
DROP TABLE kept;
ALTER TABLE kept_now RENAME TO kept;
CREATE INDEX kept_in_clear ON kept (packet) WHERE typeof(due) = 'integer';
CREATE INDEX kept_packet ON kept (packet);
CREATE INDEX kept_subject ON kept (subject);
DELETE FROM refused_file;
CREATE TABLE refused_count (
    day INTEGER PRIMARY KEY,
    count INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE policy (
    digest BLOB PRIMARY KEY,
    document BLOB NOT NULL,
    act BLOB NOT NULL
) WITHOUT ROWID;
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

-- what a receipt brings of our own statement, and every newest checkpoint that partners have shown
ALTER TABLE attestation ADD COLUMN statement BLOB;
CREATE TABLE seen (
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    note TEXT NOT NULL,
    least INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (origin, size)
) WITHOUT ROWID;
INSERT INTO seen SELECT origin, size, note, size, CAST(strftime('%s', 'now') AS INTEGER) FROM witnessed;
