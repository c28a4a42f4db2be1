-- What may and must be forgettable. Whatever is personal is sealed under the vault key; indexes are HMACs.
PRAGMA user_version = 1;

-- packets sealed here and received here: numbers, digests and times, nothing personal
CREATE TABLE IF NOT EXISTS packet (
    sender TEXT NOT NULL,
    cti BLOB NOT NULL,
    digest BLOB NOT NULL,
    first_seen INTEGER NOT NULL,
    recorded INTEGER NOT NULL DEFAULT 0,  -- 1 once the ledger has its entry
    opened INTEGER,                       -- when it was first opened here
    PRIMARY KEY (sender, cti)
) WITHOUT ROWID;

-- files refused before their signature had verified: one ledger entry each, however often they come
CREATE TABLE IF NOT EXISTS refused_file (
    token BLOB PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS subject (
    id INTEGER PRIMARY KEY,
    sealed_key BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS subject_index (
    token BLOB PRIMARY KEY,               -- HMAC(index key, scheme || 0 || value)
    subject INTEGER NOT NULL REFERENCES subject (id)
) WITHOUT ROWID;

-- what an auditor may need to know for a time about one ledger entry, found by the entry's nonce
CREATE TABLE IF NOT EXISTS detail (
    nonce BLOB PRIMARY KEY,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
