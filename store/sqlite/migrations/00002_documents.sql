-- +goose Up

-- Names of tables and indexes, numbered once for all workspaces.
CREATE TABLE catalog (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	name   TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE documents (
	workspace TEXT NOT NULL,
	tbl       INTEGER NOT NULL, -- catalog number
	id        TEXT NOT NULL,
	version   INTEGER NOT NULL, -- writes of this document, from 1
	schema    INTEGER NOT NULL,
	body      TEXT NOT NULL,
	created   INTEGER NOT NULL, -- microseconds since 1970
	updated   INTEGER NOT NULL,
	UNIQUE (workspace, tbl, id)
) STRICT;

-- Index entries, in key order.
CREATE TABLE entries (
	workspace TEXT NOT NULL,
	idx       INTEGER NOT NULL,
	key       BLOB NOT NULL,
	id        TEXT NOT NULL,
	PRIMARY KEY (workspace, idx, key, id)
) STRICT, WITHOUT ROWID;

-- Who holds a key of a unique index.
CREATE TABLE unique_entries (
	workspace TEXT NOT NULL,
	idx       INTEGER NOT NULL,
	key       BLOB NOT NULL,
	id        TEXT NOT NULL,
	PRIMARY KEY (workspace, idx, key)
) STRICT, WITHOUT ROWID;

-- What requests with an idempotency key were answered.
CREATE TABLE receipts (
	workspace    TEXT NOT NULL,
	scope        TEXT NOT NULL,
	key          TEXT NOT NULL,
	request_hash BLOB NOT NULL,
	answer       TEXT NOT NULL,
	created      INTEGER NOT NULL, -- microseconds since 1970
	PRIMARY KEY (workspace, scope, key)
) STRICT, WITHOUT ROWID;

-- The sum of each meter of each installation.
CREATE TABLE usage_sums (
	workspace TEXT NOT NULL,
	install   TEXT NOT NULL,
	meter     TEXT NOT NULL,
	quantity  INTEGER NOT NULL,
	PRIMARY KEY (workspace, meter, install)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE usage_sums;
DROP TABLE receipts;
DROP TABLE unique_entries;
DROP TABLE entries;
DROP TABLE documents;
DROP TABLE catalog;
