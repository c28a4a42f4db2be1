PRAGMA application_id = 1936220524; -- "shal"
PRAGMA user_version = 1;

-- One row an entry: its position and its deterministic CBOR (ledger.cddl).
CREATE TABLE entry (
    seq   INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
);

-- The hashes of complete subtrees: level 0 are the leaf hashes, idx counts within the level.
-- A row holds the consecutive hashes, from idx on, that one commit completed, at most 1,024 of them.
CREATE TABLE node (
    level INTEGER NOT NULL,
    idx   INTEGER NOT NULL,
    hash  BLOB NOT NULL,
    PRIMARY KEY (level, idx)
) WITHOUT ROWID;

-- One signed checkpoint a commit.
CREATE TABLE note (
    size INTEGER PRIMARY KEY,
    note TEXT NOT NULL
);

-- Guard rails against mistakes: whoever owns the file can take them away, and the tree tells.
CREATE TRIGGER entry_follows BEFORE INSERT ON entry
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), -1) + 1 FROM entry)
BEGIN SELECT raise(ABORT, 'an entry must follow the last one'); END;

CREATE TRIGGER node_follows BEFORE INSERT ON node
WHEN NEW.idx IS NOT coalesce(
    (SELECT idx + length(hash) / 32 FROM node WHERE level = NEW.level ORDER BY idx DESC LIMIT 1), 0)
BEGIN SELECT raise(ABORT, 'a hash must follow the last one of its level'); END;

CREATE TRIGGER note_follows BEFORE INSERT ON note
WHEN NEW.size IS NOT (SELECT max(seq) + 1 FROM entry) OR NEW.size <= (SELECT max(size) FROM note)
BEGIN SELECT raise(ABORT, 'a note must be for all the entries there are'); END;

CREATE TRIGGER entry_stays BEFORE UPDATE ON entry BEGIN SELECT raise(ABORT, 'entries are never changed'); END;
CREATE TRIGGER node_stays BEFORE UPDATE ON node BEGIN SELECT raise(ABORT, 'hashes are never changed'); END;
CREATE TRIGGER note_stays BEFORE UPDATE ON note BEGIN SELECT raise(ABORT, 'notes are never changed'); END;
CREATE TRIGGER entry_remains BEFORE DELETE ON entry BEGIN SELECT raise(ABORT, 'entries are never removed'); END;
CREATE TRIGGER node_remains BEFORE DELETE ON node BEGIN SELECT raise(ABORT, 'hashes are never removed'); END;
CREATE TRIGGER note_remains BEFORE DELETE ON note BEGIN SELECT raise(ABORT, 'notes are never removed'); END;
