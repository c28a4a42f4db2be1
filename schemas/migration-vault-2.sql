-- Edition 2 remembers what the ledgers say holds.
-- what the entries of the ledgers say holds (cards, holds, policy), and how far they were read: fingerprints, numbers and
-- digests, believed only with their HMAC, for otherwise the ledgers are read again
CREATE TABLE standing (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    state BLOB NOT NULL,
    token BLOB NOT NULL
);
