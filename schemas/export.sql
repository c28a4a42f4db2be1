-- What an export has beside the ledger's own tables.

-- the cards that the agency accepts, its own among them; an auditor believes none of them for being here
CREATE TABLE card (org_id TEXT, data BLOB);

-- what partners said in their receipts: our checkpoint with their cosignature, their own entry with its proof, and what
-- we had signed about the packet
CREATE TABLE attestation (org_id TEXT, cosigned TEXT, entry BLOB, proof BLOB, statement BLOB);

-- our checkpoints with the time stamps (RFC 3161) of an authority
CREATE TABLE stamp (note TEXT, token BLOB);
