-- +goose Up

-- The log of invocations says which attempt of which delivery a call was, and
-- keeps the first lines the guest logged.
ALTER TABLE invocations ADD COLUMN delivery TEXT NOT NULL DEFAULT '';
ALTER TABLE invocations ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN log TEXT NOT NULL DEFAULT ''; -- JSON, or empty
CREATE INDEX invocations_delivery ON invocations (workspace, delivery) WHERE delivery <> '';
CREATE INDEX deliveries_set_aside ON deliveries (workspace, id) WHERE state = 'set_aside';

-- +goose Down
DROP INDEX deliveries_set_aside;
DROP INDEX invocations_delivery;
ALTER TABLE invocations DROP COLUMN log;
ALTER TABLE invocations DROP COLUMN attempt;
ALTER TABLE invocations DROP COLUMN delivery;
