-- +goose Up

-- The jobs an installation has waiting, with their size: what their bounds are
-- checked by, without a look at the rows.
CREATE INDEX deliveries_waiting ON deliveries (workspace, install, event, state, octet_length(payload))
	WHERE event = '' AND state IN ('pending', 'running', 'retry');

-- +goose Down
DROP INDEX deliveries_waiting;
