-- +goose Up

-- What a delivery was put by, and the request an invocation was made for or
-- because of: one id from a request to all that came of it.
ALTER TABLE deliveries ADD COLUMN trace TEXT NOT NULL DEFAULT '';
ALTER TABLE invocations ADD COLUMN request TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE invocations DROP COLUMN request;
ALTER TABLE deliveries DROP COLUMN trace;
