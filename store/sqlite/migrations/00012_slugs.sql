-- +goose Up

-- The addresses of workspaces, those they had before included: links in mails and
-- webhooks go on leading there, and to nobody else.
CREATE TABLE slugs (
	slug      TEXT NOT NULL PRIMARY KEY,
	workspace TEXT NOT NULL
) STRICT;
CREATE INDEX slugs_workspace ON slugs (workspace);
INSERT INTO slugs (slug, workspace) SELECT slug, id FROM workspaces;

-- +goose Down
DROP TABLE slugs;
