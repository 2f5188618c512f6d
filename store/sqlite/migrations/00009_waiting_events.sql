-- +goose Up

-- The events an installation has waiting: what their bound is checked by.
CREATE INDEX deliveries_listening ON deliveries (workspace, install)
	WHERE event <> '' AND state IN ('pending', 'running', 'retry', 'held');

-- +goose Down
DROP INDEX deliveries_listening;
