-- Everything that `sharekit ledger init-postgres` makes in a database of its own, in one transaction. Three roles, none
-- of which logs in by itself: sharekit_owner owns it all and nobody is a member, sharekit_app reads and appends, by
-- one function, and sharekit_reader reads. Give a role that logs in one of the last two, never the first.
-- fingerprint 68b9dc11409eddbc3b8a199277c018eda379586e494fcea2fb4e8f78aea46485 (see `fingerprint` in sharekit/ledger/postgres.py)

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
END $$;

GRANT sharekit_owner TO CURRENT_USER; -- until the end of this transaction
CREATE SCHEMA sharekit AUTHORIZATION sharekit_owner;
SET LOCAL ROLE sharekit_owner;
SET LOCAL search_path = sharekit, pg_temp;

-- Which edition of these tables it is, and since when: a row for each migration, this one the first.
CREATE TABLE edition (
    number integer PRIMARY KEY,
    since  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO edition (number) VALUES (1);

-- The three tables of ledger.sql, for the ledgers of all years: `origin` says whose row it is.
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

-- One row a ledger; where it takes no more entries, `mark` says why: it did not verify, or it goes on elsewhere.
CREATE TABLE ledger (
    origin text COLLATE "C" PRIMARY KEY,
    mark   text CHECK (mark IN ('doubted', 'moved'))
);

-- Guard rails against mistakes: whoever owns the tables can take them away, and the tree tells.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what % holds is never changed or removed', TG_TABLE_NAME;
END $$;

CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql SET search_path = sharekit, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT origin, min(seq) AS first, max(seq) AS last, count(*) FROM added GROUP BY origin) AS a
        WHERE last - first + 1 <> count
        OR (first > 0 AND NOT EXISTS (SELECT FROM entry AS e WHERE e.origin = a.origin AND e.seq = first - 1))
        OR EXISTS (SELECT FROM entry AS e WHERE e.origin = a.origin AND e.seq > last)
    ) THEN
        RAISE EXCEPTION 'an entry must follow the last one';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER entry_follows AFTER INSERT ON entry REFERENCING NEW TABLE AS added EXECUTE FUNCTION follow();
CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON entry EXECUTE FUNCTION refuse();
CREATE TRIGGER node_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON node EXECUTE FUNCTION refuse();
CREATE TRIGGER note_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON note EXECUTE FUNCTION refuse();

-- The turn to write to one ledger: others wait for it, first come, first served. Whoever has it and falls silent for
-- ten seconds loses it, with the connection.
CREATE FUNCTION take_turn(which text) RETURNS void LANGUAGE plpgsql SET search_path = sharekit, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_lock(1936220524, hashtext(which));
    PERFORM set_config('idle_session_timeout', '10s', false);
END $$;

CREATE FUNCTION end_turn(which text) RETURNS void LANGUAGE plpgsql SET search_path = sharekit, pg_temp AS $$
BEGIN
    PERFORM set_config('idle_session_timeout', '0', false);
    PERFORM pg_advisory_unlock(1936220524, hashtext(which));
END $$;

-- Appends to a ledger whose newest note is the one that the caller knows, and returns nothing. Otherwise nothing is
-- written: what is newest is returned, and the caller has the turn, so that its next call finds just that.
CREATE FUNCTION append(
    which text, known_size bigint, known_note text, has_turn boolean,
    entries bytea[], levels integer[], idxs bigint[], hashes bytea[], new_note text,
    OUT newest_size bigint, OUT newest_note text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = sharekit, pg_temp AS $$
DECLARE
    why text;
BEGIN
    PERFORM pg_advisory_xact_lock(1936220524, hashtext(which));
    IF has_turn THEN
        PERFORM end_turn(which);
    END IF;
    SELECT size, note INTO newest_size, newest_note FROM note WHERE origin = which ORDER BY size DESC LIMIT 1;
    newest_size := coalesce(newest_size, 0);
    newest_note := coalesce(newest_note, '');
    IF newest_size <> known_size OR newest_note <> known_note THEN
        PERFORM take_turn(which);
        RETURN;
    END IF;
    IF known_size = 0 THEN
        INSERT INTO ledger VALUES (which);
    END IF;
    SELECT mark INTO why FROM ledger WHERE origin = which;
    IF why IS NOT NULL THEN
        RAISE EXCEPTION USING errcode = 'SK001', message = why;
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        RAISE EXCEPTION USING errcode = 'SK002', message = 'a commit must have reached the disk';
    END IF;
    INSERT INTO entry SELECT which, known_size + at - 1, data FROM unnest(entries) WITH ORDINALITY AS e (data, at);
    INSERT INTO node SELECT which, * FROM unnest(levels, idxs, hashes);
    INSERT INTO note VALUES (which, known_size + cardinality(entries), new_note);
    newest_size := NULL;
    newest_note := NULL;
END $$;

-- A first mark stays; it is taken away by its name.
CREATE FUNCTION set_mark(which text, what text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = sharekit, pg_temp AS $$
    UPDATE ledger SET mark = what WHERE origin = which AND mark IS NULL;
$$;

CREATE FUNCTION unset_mark(which text, what text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = sharekit, pg_temp AS $$
    UPDATE ledger SET mark = NULL WHERE origin = which AND mark = what;
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA sharekit FROM PUBLIC;
GRANT USAGE ON SCHEMA sharekit TO sharekit_app, sharekit_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA sharekit TO sharekit_app, sharekit_reader;
GRANT EXECUTE ON FUNCTION append, set_mark, unset_mark, take_turn, end_turn TO sharekit_app;
RESET ROLE;
REVOKE sharekit_owner FROM CURRENT_USER;
