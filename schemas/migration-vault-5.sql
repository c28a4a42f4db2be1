-- Edition 5 keeps what a receipt brings of our own statement, and every newest checkpoint that partners have shown.
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
