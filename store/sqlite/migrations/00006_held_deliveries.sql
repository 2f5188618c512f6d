-- +goose Up

-- A delivery of an installation that can't be used now is held: not due, its
-- attempt not counted, until somebody enables the installation or changes the
-- plan. SQLite can't change a CHECK, so the table is made anew.
ALTER TABLE deliveries RENAME TO deliveries_before;
DROP INDEX deliveries_turn;
DROP INDEX deliveries_due;
DROP INDEX deliveries_waiting;

CREATE TABLE deliveries (
	workspace  TEXT NOT NULL,
	id         TEXT NOT NULL,
	install    TEXT NOT NULL,
	event      TEXT NOT NULL, -- empty: a job
	handler    TEXT NOT NULL,
	payload    TEXT NOT NULL, -- JSON, or empty
	state      TEXT NOT NULL CHECK (state IN ('pending', 'running', 'retry', 'held', 'done', 'set_aside')),
	attempt    INTEGER NOT NULL,
	due        INTEGER,       -- while running, when the lease ends
	hop        INTEGER NOT NULL,
	last_error TEXT NOT NULL,
	created    INTEGER NOT NULL,
	PRIMARY KEY (workspace, id),
	CHECK ((due IS NULL) = (state IN ('held', 'done', 'set_aside')))
) STRICT;
INSERT INTO deliveries SELECT * FROM deliveries_before;
DROP TABLE deliveries_before;

CREATE INDEX deliveries_turn ON deliveries (workspace, due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (workspace, install) WHERE state = 'held';
CREATE INDEX deliveries_waiting ON deliveries (workspace, install, event, state, octet_length(payload))
	WHERE event = '' AND state IN ('pending', 'running', 'retry', 'held');

-- +goose Down
ALTER TABLE deliveries RENAME TO deliveries_after;
DROP INDEX deliveries_turn;
DROP INDEX deliveries_due;
DROP INDEX deliveries_held;
DROP INDEX deliveries_waiting;

CREATE TABLE deliveries (
	workspace  TEXT NOT NULL,
	id         TEXT NOT NULL,
	install    TEXT NOT NULL,
	event      TEXT NOT NULL,
	handler    TEXT NOT NULL,
	payload    TEXT NOT NULL,
	state      TEXT NOT NULL CHECK (state IN ('pending', 'running', 'retry', 'done', 'set_aside')),
	attempt    INTEGER NOT NULL,
	due        INTEGER,
	hop        INTEGER NOT NULL,
	last_error TEXT NOT NULL,
	created    INTEGER NOT NULL,
	PRIMARY KEY (workspace, id),
	CHECK ((due IS NULL) = (state IN ('done', 'set_aside')))
) STRICT;
INSERT INTO deliveries (workspace, id, install, event, handler, payload, state, attempt, due, hop, last_error, created)
	SELECT workspace, id, install, event, handler, payload, iif(state = 'held', 'pending', state), attempt,
		iif(state = 'held', created, due), hop, last_error, created
	FROM deliveries_after;
DROP TABLE deliveries_after;

CREATE INDEX deliveries_turn ON deliveries (workspace, due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (workspace, install, event, state, octet_length(payload))
	WHERE event = '' AND state IN ('pending', 'running', 'retry');
