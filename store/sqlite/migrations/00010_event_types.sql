-- +goose Up

-- The events of one type, in order: what somebody looks for in a long history.
CREATE INDEX events_type ON events (workspace, type, id);

-- +goose Down
DROP INDEX events_type;
