-- +goose Up

-- An attempt is one try of a delivery; how often a call began again after a
-- conflict is its runs.
ALTER TABLE invocations RENAME COLUMN attempts TO runs;

-- +goose Down
ALTER TABLE invocations RENAME COLUMN runs TO attempts;
