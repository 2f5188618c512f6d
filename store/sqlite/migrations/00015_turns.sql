-- +goose Up

-- Whose turn it is among those with a backlog is found by going from workspace to
-- workspace. Those that only wait for a later time (nearly every one has a schedule)
-- are not on that way: their deliveries are put there when they are due.
ALTER TABLE deliveries ADD COLUMN later INTEGER NOT NULL DEFAULT 0; -- 1: it was due later than when that was written
DROP INDEX deliveries_turn;
CREATE INDEX deliveries_turn ON deliveries (workspace, due) WHERE due IS NOT NULL AND later = 0;
CREATE INDEX deliveries_later ON deliveries (due) WHERE due IS NOT NULL AND later = 1;

-- +goose Down
DROP INDEX deliveries_later;
DROP INDEX deliveries_turn;
CREATE INDEX deliveries_turn ON deliveries (workspace, due) WHERE due IS NOT NULL;
ALTER TABLE deliveries DROP COLUMN later;
