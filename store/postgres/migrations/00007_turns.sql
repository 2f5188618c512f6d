-- +goose Up

-- Whose turn it is among those with a backlog is found by going from workspace to
-- workspace. Those that only wait for a later time (nearly every one has a schedule)
-- are not on that way: their deliveries are put there when they are due.
ALTER TABLE deliveries ADD COLUMN later boolean NOT NULL DEFAULT false; -- it was due later than when that was written
GRANT UPDATE (later) ON deliveries TO carrel_platform;
DROP INDEX deliveries_turn;
CREATE INDEX deliveries_turn ON deliveries (workspace, due) WHERE due IS NOT NULL AND NOT later;
CREATE INDEX deliveries_later ON deliveries (due) WHERE due IS NOT NULL AND later;

-- +goose Down
DROP INDEX deliveries_later;
DROP INDEX deliveries_turn;
CREATE INDEX deliveries_turn ON deliveries (workspace, due) WHERE due IS NOT NULL;
ALTER TABLE deliveries DROP COLUMN later;
