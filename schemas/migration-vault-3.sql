-- Edition 3 has nothing in the clear from which a birth date follows, and no token by which a file is guessed.
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
