-- +goose Up
-- Times are microseconds since 1970, 0 for none.

CREATE TABLE accounts (
	id            text COLLATE "C" PRIMARY KEY,
	email         text COLLATE "C" NOT NULL UNIQUE, -- lower case
	name          text COLLATE "C" NOT NULL,
	password_hash text NOT NULL,                    -- argon2id
	operator      boolean NOT NULL,
	created       bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE (password_hash) ON accounts TO carrel_platform;
GRANT SELECT (id, email, name) ON accounts TO carrel_tenant; -- of its members: see below

-- The SHA-256 of the set-up token, while there is no account. One row.
CREATE TABLE setup (
	one  integer PRIMARY KEY CHECK (one = 1),
	hash bytea NOT NULL
);
GRANT SELECT, INSERT, UPDATE (hash), DELETE ON setup TO carrel_platform;

-- Found by the SHA-256 of what the browser sends; the secret itself is nowhere.
CREATE TABLE sessions (
	hash    bytea PRIMARY KEY,
	id      text COLLATE "C" NOT NULL,
	account text COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	created bigint NOT NULL,
	expires bigint NOT NULL
);
CREATE INDEX sessions_account ON sessions (account);
GRANT SELECT, INSERT, DELETE ON sessions TO carrel_platform;

CREATE TABLE workspaces (
	id        text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
	slug      text COLLATE "C" NOT NULL UNIQUE,
	name      text COLLATE "C" NOT NULL,
	time_zone text NOT NULL,
	locale    text NOT NULL,
	home      text NOT NULL,
	created   bigint NOT NULL
);
SELECT isolate('workspaces', 'id');
GRANT SELECT, INSERT, UPDATE, DELETE ON workspaces TO carrel_tenant;
GRANT SELECT ON workspaces TO carrel_platform;
CREATE POLICY platform ON workspaces FOR SELECT TO carrel_platform USING (true);

-- The addresses of workspaces, those they had before included: links in mails and
-- webhooks go on leading there, and to nobody else.
CREATE TABLE slugs (
	slug      text COLLATE "C" PRIMARY KEY,
	workspace text COLLATE "C" NOT NULL,
	position  bigint GENERATED ALWAYS AS IDENTITY -- the newest has the highest
);
CREATE INDEX slugs_workspace ON slugs (workspace);
SELECT isolate('slugs', 'workspace');
GRANT SELECT, INSERT, DELETE ON slugs TO carrel_tenant;
GRANT SELECT (slug, workspace) ON slugs TO carrel_platform;
CREATE POLICY platform ON slugs FOR SELECT TO carrel_platform USING (true);

-- A token is an account's; a workspace only ends those that are for it alone.
CREATE TABLE tokens (
	hash      bytea PRIMARY KEY,
	id        text COLLATE "C" NOT NULL UNIQUE,
	account   text COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	name      text NOT NULL,
	workspace text COLLATE "C" NOT NULL, -- empty: all of the account's
	scopes    text,                      -- JSON; null: all of the account's
	created   bigint NOT NULL,
	expires   bigint NOT NULL,
	last_used bigint NOT NULL
);
CREATE INDEX tokens_account ON tokens (account);
CREATE INDEX tokens_workspace ON tokens (workspace);
SELECT isolate('tokens', 'workspace');
GRANT SELECT (workspace), DELETE ON tokens TO carrel_tenant;
GRANT SELECT, INSERT, UPDATE (last_used), DELETE ON tokens TO carrel_platform;
CREATE POLICY platform ON tokens TO carrel_platform USING (true);

CREATE TABLE members (
	workspace text COLLATE "C" NOT NULL,
	account   text COLLATE "C" NOT NULL REFERENCES accounts (id),
	role      text NOT NULL,
	created   bigint NOT NULL,
	PRIMARY KEY (workspace, account)
);
CREATE INDEX members_account ON members (account);
SELECT isolate('members', 'workspace');
GRANT SELECT, INSERT, UPDATE, DELETE ON members TO carrel_tenant;
GRANT SELECT ON members TO carrel_platform;
CREATE POLICY platform ON members FOR SELECT TO carrel_platform USING (true);

-- Of the accounts a workspace sees those of its members.
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON accounts FOR SELECT TO carrel_tenant
	USING (EXISTS (SELECT FROM members m WHERE m.workspace = (SELECT current_workspace()) AND m.account = accounts.id));
CREATE POLICY platform ON accounts TO carrel_platform USING (true);

CREATE TABLE installations (
	workspace   text COLLATE "C" NOT NULL,
	id          text COLLATE "C" NOT NULL,
	publisher   text COLLATE "C" NOT NULL,
	name        text COLLATE "C" NOT NULL,
	alias       text COLLATE "C" NOT NULL,
	version     text NOT NULL,
	digest      text COLLATE "C" NOT NULL,
	state       text NOT NULL,
	grants      text NOT NULL, -- JSON
	settings    text NOT NULL, -- JSON, secrets sealed
	configured  boolean NOT NULL GENERATED ALWAYS AS (settings <> '{}') STORED,
	role_scopes text NOT NULL, -- JSON
	revision    bigint NOT NULL,
	created     bigint NOT NULL,
	updated     bigint NOT NULL,
	PRIMARY KEY (workspace, id),
	UNIQUE (workspace, alias),
	UNIQUE (workspace, publisher, name)
);
CREATE INDEX installations_digest ON installations (digest);
SELECT isolate('installations', 'workspace');
GRANT SELECT, INSERT, UPDATE, DELETE ON installations TO carrel_tenant;
GRANT SELECT (workspace, id, digest, configured) ON installations TO carrel_platform; -- what a start looks for
CREATE POLICY platform ON installations FOR SELECT TO carrel_platform USING (true);

CREATE TABLE contracts (
	workspace text COLLATE "C" NOT NULL,
	id        text COLLATE "C" NOT NULL,
	plan      text NOT NULL,
	began     bigint NOT NULL,
	ended     bigint NOT NULL, -- 0: open
	PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX contracts_open ON contracts (workspace) WHERE ended = 0;
SELECT isolate('contracts', 'workspace');
GRANT SELECT, INSERT, UPDATE, DELETE ON contracts TO carrel_tenant;
GRANT SELECT (workspace, plan, ended) ON contracts TO carrel_platform;
CREATE POLICY platform ON contracts FOR SELECT TO carrel_platform USING (true);

CREATE TABLE audit (
	position  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	workspace text COLLATE "C" NOT NULL,
	time      bigint NOT NULL,
	actor     text NOT NULL,
	action    text NOT NULL,
	subject   text NOT NULL
);
CREATE INDEX audit_workspace ON audit (workspace, position);
SELECT isolate('audit', 'workspace');
GRANT SELECT, INSERT, DELETE ON audit TO carrel_tenant;

-- The keys that secret settings may be sealed with, by their ids; the keys
-- themselves are never here. complete: 1 when nothing that was in the clear is
-- left, 2 when every secret is sealed with the key.
CREATE TABLE secret_keys (
	id       text COLLATE "C" PRIMARY KEY,
	complete integer NOT NULL DEFAULT 0
);
GRANT SELECT, INSERT, UPDATE (complete), DELETE ON secret_keys TO carrel_platform;

-- +goose Down
DROP POLICY tenant ON accounts; -- which asks members
DROP TABLE secret_keys, audit, contracts, installations, members, tokens, slugs, workspaces, sessions, setup, accounts;
