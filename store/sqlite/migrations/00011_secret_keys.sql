-- +goose Up

-- The keys that secret settings may be sealed with, by their ids; the keys
-- themselves are never here. complete: 1 when nothing that was in the clear is
-- left in free pages, 2 when every secret is sealed with the key.
CREATE TABLE secret_keys (
	id       TEXT NOT NULL PRIMARY KEY,
	complete INTEGER NOT NULL DEFAULT 0
) STRICT;

-- +goose Down
DROP TABLE secret_keys;
