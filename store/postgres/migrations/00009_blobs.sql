-- +goose Up

-- What plugins keep beside their documents. The bytes are objects in a bucket, each
-- written before its row.
CREATE TABLE blobs (
	workspace text COLLATE "C" NOT NULL,
	publisher text COLLATE "C" NOT NULL,
	name      text COLLATE "C" NOT NULL,
	digest    text COLLATE "C" NOT NULL, -- SHA-256 of the bytes
	size      bigint NOT NULL,
	type      text NOT NULL,
	created   bigint NOT NULL,           -- microseconds since 1970
	object    text COLLATE "C" NOT NULL, -- the end of the object's key, which no other has
	PRIMARY KEY (workspace, publisher, name, digest)
);
CREATE INDEX blobs_size ON blobs (workspace, size); -- what they count for is a sum over the index alone
SELECT isolate('blobs', 'workspace');
GRANT SELECT, INSERT, DELETE ON blobs TO carrel_tenant;

GRANT SELECT, INSERT, DELETE ON blobs TO carrel_backup;
CREATE POLICY backup_read ON blobs FOR SELECT TO carrel_backup USING (true);
CREATE POLICY backup_insert ON blobs FOR INSERT TO carrel_backup
	WITH CHECK ((SELECT current_workspace()) IS NULL OR workspace = (SELECT current_workspace()));
CREATE POLICY backup_delete ON blobs FOR DELETE TO carrel_backup
	USING ((SELECT current_workspace()) IS NULL OR workspace = (SELECT current_workspace()));

-- +goose Down
DROP TABLE blobs;
