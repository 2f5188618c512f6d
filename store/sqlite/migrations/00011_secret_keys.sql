-- +goose Up

-- The keys that secret settings may be sealed with, by their ids; the keys
-- themselves are never here. One that is complete has sealed all there are.
CREATE TABLE secret_keys (
	id       TEXT NOT NULL PRIMARY KEY,
	complete INTEGER NOT NULL DEFAULT 0
) STRICT;

-- +goose Down
DROP TABLE secret_keys;
