-- +goose Up
-- Times are microseconds since 1970, 0 for none.

CREATE TABLE accounts (
	id            TEXT NOT NULL PRIMARY KEY,
	email         TEXT NOT NULL UNIQUE, -- lower case
	name          TEXT NOT NULL,
	password_hash TEXT NOT NULL,        -- argon2id
	operator      INTEGER NOT NULL,
	created       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The SHA-256 of the set-up token, while there is no account. One row.
CREATE TABLE setup (
	one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	hash BLOB NOT NULL
) STRICT;

-- Found by the SHA-256 of what the browser sends; the secret itself is nowhere.
CREATE TABLE sessions (
	hash    BLOB NOT NULL PRIMARY KEY,
	id      TEXT NOT NULL,
	account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_account ON sessions (account);

CREATE TABLE workspaces (
	id        TEXT NOT NULL PRIMARY KEY,
	slug      TEXT NOT NULL UNIQUE,
	name      TEXT NOT NULL,
	time_zone TEXT NOT NULL,
	locale    TEXT NOT NULL,
	home      TEXT NOT NULL,
	created   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The tables below have a column named workspace; deleting a workspace empties
-- every table that has one.
CREATE TABLE tokens (
	hash      BLOB NOT NULL PRIMARY KEY,
	id        TEXT NOT NULL UNIQUE,
	account   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	name      TEXT NOT NULL,
	workspace TEXT NOT NULL, -- empty: all of the account's
	scopes    TEXT,          -- JSON; null: all of the account's
	created   INTEGER NOT NULL,
	expires   INTEGER NOT NULL,
	last_used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_account ON tokens (account);

CREATE TABLE members (
	workspace TEXT NOT NULL,
	account   TEXT NOT NULL REFERENCES accounts (id),
	role      TEXT NOT NULL,
	created   INTEGER NOT NULL,
	PRIMARY KEY (workspace, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_account ON members (account);

CREATE TABLE installations (
	workspace   TEXT NOT NULL,
	id          TEXT NOT NULL,
	publisher   TEXT NOT NULL,
	name        TEXT NOT NULL,
	alias       TEXT NOT NULL,
	version     TEXT NOT NULL,
	digest      TEXT NOT NULL,
	state       TEXT NOT NULL,
	grants      TEXT NOT NULL, -- JSON
	settings    TEXT NOT NULL, -- JSON, secrets included
	role_scopes TEXT NOT NULL, -- JSON
	revision    INTEGER NOT NULL,
	created     INTEGER NOT NULL,
	updated     INTEGER NOT NULL,
	PRIMARY KEY (workspace, id),
	UNIQUE (workspace, alias),
	UNIQUE (workspace, publisher, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE contracts (
	workspace TEXT NOT NULL,
	id        TEXT NOT NULL,
	plan      TEXT NOT NULL,
	began     INTEGER NOT NULL,
	ended     INTEGER NOT NULL, -- 0: open
	PRIMARY KEY (workspace, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX contracts_open ON contracts (workspace) WHERE ended = 0;

CREATE TABLE audit (
	position  INTEGER PRIMARY KEY AUTOINCREMENT,
	workspace TEXT NOT NULL,
	time      INTEGER NOT NULL,
	actor     TEXT NOT NULL,
	action    TEXT NOT NULL,
	subject   TEXT NOT NULL
) STRICT;
CREATE INDEX audit_workspace ON audit (workspace, position);

-- +goose Down
DROP TABLE audit;
DROP TABLE contracts;
DROP TABLE installations;
DROP TABLE members;
DROP TABLE tokens;
DROP TABLE workspaces;
DROP TABLE sessions;
DROP TABLE setup;
DROP TABLE accounts;
