-- +goose Up
-- Times are microseconds since 1970.

-- The outbox: immutable facts, written in the unit of work that caused them.
CREATE TABLE events (
	workspace TEXT NOT NULL,
	id        TEXT NOT NULL,
	type      TEXT NOT NULL,
	version   INTEGER NOT NULL,
	source    TEXT NOT NULL, -- "/" and the emitter's plugin
	data      TEXT NOT NULL, -- JSON
	cause     TEXT NOT NULL,
	hop       INTEGER NOT NULL,
	time      INTEGER NOT NULL,
	PRIMARY KEY (workspace, id)
) STRICT;

-- Work an installation has to do. due is null once there is nothing more to do,
-- so that the two indexes hold active deliveries only.
CREATE TABLE deliveries (
	workspace  TEXT NOT NULL,
	id         TEXT NOT NULL,
	install    TEXT NOT NULL,
	event      TEXT NOT NULL, -- empty: a job
	handler    TEXT NOT NULL,
	payload    TEXT NOT NULL, -- JSON, or empty
	state      TEXT NOT NULL CHECK (state IN ('pending', 'running', 'retry', 'done', 'set_aside')),
	attempt    INTEGER NOT NULL,
	due        INTEGER,       -- while running, when the lease ends
	hop        INTEGER NOT NULL,
	last_error TEXT NOT NULL,
	created    INTEGER NOT NULL,
	PRIMARY KEY (workspace, id),
	CHECK ((due IS NULL) = (state IN ('done', 'set_aside')))
) STRICT;
CREATE INDEX deliveries_turn ON deliveries (workspace, due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (due) WHERE due IS NOT NULL;

-- The log of invocations, whatever their outcome.
CREATE TABLE invocations (
	workspace TEXT NOT NULL,
	id        TEXT NOT NULL,
	install   TEXT NOT NULL,
	handler   TEXT NOT NULL,
	kind      TEXT NOT NULL,
	trigger   TEXT NOT NULL,
	outcome   TEXT NOT NULL,
	attempts  INTEGER NOT NULL,
	fuel      INTEGER NOT NULL,
	duration  INTEGER NOT NULL, -- microseconds
	error     TEXT NOT NULL,
	started   INTEGER NOT NULL,
	PRIMARY KEY (workspace, id)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE invocations;
DROP TABLE deliveries;
DROP TABLE events;
