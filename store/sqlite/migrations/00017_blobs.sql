-- +goose Up

-- What plugins keep beside their documents. The bytes are objects in a bucket, each
-- written before its row.
CREATE TABLE blobs (
	workspace TEXT NOT NULL,
	publisher TEXT NOT NULL,
	name      TEXT NOT NULL,
	digest    TEXT NOT NULL, -- SHA-256 of the bytes
	size      INTEGER NOT NULL,
	type      TEXT NOT NULL,
	created   INTEGER NOT NULL, -- microseconds since 1970
	object    TEXT NOT NULL,    -- the end of the object's key, which no other has
	PRIMARY KEY (workspace, publisher, name, digest)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE blobs;
