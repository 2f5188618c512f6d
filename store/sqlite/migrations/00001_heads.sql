-- +goose Up

-- The moment each workspace is at. seq counts commits, auth_epoch counts
-- changes to who may do what.
CREATE TABLE heads (
	workspace  TEXT NOT NULL PRIMARY KEY,
	seq        INTEGER NOT NULL,
	auth_epoch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE heads;
