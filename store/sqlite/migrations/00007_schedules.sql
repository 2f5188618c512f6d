-- +goose Up

-- A delivery may be one occurrence of a schedule, which is there once however
-- often it is put. The other index finds the deliveries of an event.
ALTER TABLE deliveries ADD COLUMN schedule TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN occurrence INTEGER NOT NULL DEFAULT 0; -- when it was first due; microseconds since 1970
CREATE UNIQUE INDEX deliveries_schedule ON deliveries (workspace, install, schedule, occurrence) WHERE schedule <> '';
CREATE INDEX deliveries_event ON deliveries (workspace, event) WHERE event <> '';

-- +goose Down
DROP INDEX deliveries_event;
DROP INDEX deliveries_schedule;
ALTER TABLE deliveries DROP COLUMN occurrence;
ALTER TABLE deliveries DROP COLUMN schedule;
