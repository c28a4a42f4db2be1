-- Everything that `sharekit ledger init-postgres` makes in a database of its own, in one transaction. Three roles, none
-- of which logs in by itself: sharekit_owner owns it all and is nobody's, sharekit_app reads and appends, by one
-- function, and sharekit_reader reads. Give a role that logs in one of the last two, never the first.

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['sharekit_owner', 'sharekit_app', 'sharekit_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO sharekit_app, sharekit_reader', current_database());
    GRANT sharekit_owner TO CURRENT_USER; -- only until the end of this transaction
END $$;

CREATE SCHEMA sharekit AUTHORIZATION sharekit_owner;
SET LOCAL ROLE sharekit_owner;
SET LOCAL search_path = sharekit, pg_temp;

-- Which edition of these tables it is, and since when: a row for each migration, this one the first.
CREATE TABLE version (
    number  integer PRIMARY KEY,
    applied timestamptz NOT NULL DEFAULT now()
);
INSERT INTO version (number) VALUES (1);

-- The three tables of ledger.sql, for the ledgers of every year: `origin` says whose row it is.
CREATE TABLE entry (
    origin text COLLATE "C" NOT NULL,
    seq    bigint NOT NULL CHECK (seq >= 0),
    bytes  bytea NOT NULL CHECK (length(bytes) <= 4096),
    PRIMARY KEY (origin, seq)
);

CREATE TABLE node (
    origin text COLLATE "C" NOT NULL,
    level  integer NOT NULL,
    idx    bigint NOT NULL,
    hash   bytea NOT NULL CHECK (length(hash) BETWEEN 32 AND 32768 AND length(hash) % 32 = 0),
    PRIMARY KEY (origin, level, idx)
);

CREATE TABLE note (
    origin text COLLATE "C" NOT NULL,
    size   bigint NOT NULL,
    note   text NOT NULL CHECK (length(note) <= 65536),
    PRIMARY KEY (origin, size)
);

-- A ledger that takes no more entries, and why: it did not verify, or it goes on elsewhere.
CREATE TABLE mark (
    origin text COLLATE "C" PRIMARY KEY,
    what   text NOT NULL CHECK (what IN ('doubted', 'moved'))
);

-- Appends to one ledger if its newest checkpoint is the one that the caller knows, and returns nothing. Otherwise nothing
-- is written and what is newest is returned: the caller has the turn then, and no other gets in between, until it
-- calls again. A caller that does not loses the turn with its connection.
CREATE FUNCTION append(
    which text, known_size bigint, known_note text, has_turn boolean,
    entries bytea[], levels integer[], idxs bigint[], hashes bytea[], new_note text,
    OUT newest_size bigint, OUT newest_note text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = sharekit, pg_temp AS $$
DECLARE
    lock_class constant integer := 1936220524;
    lock_key constant integer := hashtext(which);
    why text;
BEGIN
    PERFORM pg_advisory_xact_lock(lock_class, lock_key);
    IF has_turn THEN
        PERFORM pg_advisory_unlock(lock_class, lock_key);
        PERFORM set_config('idle_session_timeout', '0', false);
    END IF;
    SELECT size, note INTO newest_size, newest_note FROM note WHERE origin = which ORDER BY size DESC LIMIT 1;
    IF (coalesce(newest_size, 0), coalesce(newest_note, '')) <> (known_size, known_note) THEN
        PERFORM pg_advisory_lock(lock_class, lock_key);
        PERFORM set_config('idle_session_timeout', '10s', false);
        RETURN;
    END IF;
    SELECT what INTO why FROM mark WHERE origin = which;
    IF FOUND THEN
        RAISE EXCEPTION USING errcode = 'SK001', message = why;
    END IF;
    INSERT INTO entry SELECT which, known_size + number - 1, data FROM unnest(entries) WITH ORDINALITY AS t (data, number);
    INSERT INTO node SELECT which, * FROM unnest(levels, idxs, hashes);
    INSERT INTO note VALUES (which, known_size + cardinality(entries), new_note);
    newest_size := NULL;
    newest_note := NULL;
END $$;

-- Guard rails against mistakes: whoever owns the tables can take them away, and the tree tells.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a % is never changed or removed', TG_TABLE_NAME;
END $$;

CREATE FUNCTION entry_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = sharekit, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT origin, min(seq) AS first, max(seq) AS last, count(*) AS rows FROM added GROUP BY origin) AS a
        WHERE last - first + 1 <> rows OR EXISTS (SELECT FROM entry AS e WHERE e.origin = a.origin AND e.seq > last)
        OR (first > 0 AND NOT EXISTS (SELECT FROM entry AS e WHERE e.origin = a.origin AND e.seq = first - 1))
    ) THEN
        RAISE EXCEPTION 'an entry must follow the last one';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER entry_follows AFTER INSERT ON entry REFERENCING NEW TABLE AS added EXECUTE FUNCTION entry_follows();
CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON entry EXECUTE FUNCTION refuse();
CREATE TRIGGER node_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON node EXECUTE FUNCTION refuse();
CREATE TRIGGER note_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON note EXECUTE FUNCTION refuse();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA sharekit FROM PUBLIC;
GRANT USAGE ON SCHEMA sharekit TO sharekit_app, sharekit_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA sharekit TO sharekit_app, sharekit_reader;
GRANT EXECUTE ON FUNCTION append TO sharekit_app;
RESET ROLE;
REVOKE sharekit_owner FROM CURRENT_USER;
