-- +goose Up
-- Whatever sorts, sorts by its bytes: COLLATE "C", whatever the database's is.

-- The moment each workspace is at. seq counts commits, auth_epoch counts
-- changes to who may do what. A commit locks its workspace's row.
CREATE TABLE heads (
	workspace  text COLLATE "C" PRIMARY KEY CHECK (workspace <> ''),
	seq        bigint NOT NULL,
	auth_epoch bigint NOT NULL
) WITH (fillfactor = 50); -- room for its next version on the same page: it is written at each commit
SELECT isolate('heads', 'workspace');
GRANT SELECT, INSERT, UPDATE, DELETE ON heads TO carrel_tenant;

-- Names of tables and indexes, numbered once for all workspaces.
CREATE TABLE catalog (
	number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name   text COLLATE "C" NOT NULL UNIQUE
);
GRANT SELECT ON catalog TO carrel_tenant;
GRANT SELECT, INSERT ON catalog TO carrel_platform;

CREATE TABLE documents (
	workspace text COLLATE "C" NOT NULL,
	tbl       bigint NOT NULL, -- catalog number
	id        text COLLATE "C" NOT NULL,
	version   bigint NOT NULL, -- writes of this document, from 1
	schema    bigint NOT NULL,
	body      text NOT NULL,   -- JSON as it was written: jsonb would change numbers and refuse \u0000
	created   bigint NOT NULL, -- microseconds since 1970
	updated   bigint NOT NULL,
	PRIMARY KEY (workspace, tbl, id)
);
SELECT isolate('documents', 'workspace');
GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO carrel_tenant;

-- Index entries, in key order.
CREATE TABLE entries (
	workspace text COLLATE "C" NOT NULL,
	idx       bigint NOT NULL,
	key       bytea NOT NULL,
	id        text COLLATE "C" NOT NULL,
	PRIMARY KEY (workspace, idx, key, id)
);
SELECT isolate('entries', 'workspace');
GRANT SELECT, INSERT, DELETE ON entries TO carrel_tenant;

-- Who holds a key of a unique index.
CREATE TABLE unique_entries (
	workspace text COLLATE "C" NOT NULL,
	idx       bigint NOT NULL,
	key       bytea NOT NULL,
	id        text COLLATE "C" NOT NULL,
	PRIMARY KEY (workspace, idx, key)
);
SELECT isolate('unique_entries', 'workspace');
GRANT SELECT, INSERT, DELETE ON unique_entries TO carrel_tenant;

-- What requests with an idempotency key were answered.
CREATE TABLE receipts (
	workspace    text COLLATE "C" NOT NULL,
	scope        text COLLATE "C" NOT NULL,
	key          text COLLATE "C" NOT NULL,
	request_hash bytea NOT NULL,
	answer       text NOT NULL,
	created      bigint NOT NULL, -- microseconds since 1970
	PRIMARY KEY (workspace, scope, key)
);
SELECT isolate('receipts', 'workspace');
GRANT SELECT, INSERT, DELETE ON receipts TO carrel_tenant;

-- The sum of each meter of each installation.
CREATE TABLE usage_sums (
	workspace text COLLATE "C" NOT NULL,
	install   text COLLATE "C" NOT NULL,
	meter     text COLLATE "C" NOT NULL,
	quantity  bigint NOT NULL,
	PRIMARY KEY (workspace, meter, install)
) WITH (fillfactor = 50);
SELECT isolate('usage_sums', 'workspace');
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_sums TO carrel_tenant;

-- +goose Down
DROP TABLE usage_sums, receipts, unique_entries, entries, documents, catalog, heads;
