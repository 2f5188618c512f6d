-- +goose Up
-- Times are microseconds since 1970.

-- The outbox: immutable facts, written in the unit of work that caused them.
CREATE TABLE events (
	workspace text COLLATE "C" NOT NULL,
	id        text COLLATE "C" NOT NULL,
	type      text COLLATE "C" NOT NULL,
	version   bigint NOT NULL,
	source    text COLLATE "C" NOT NULL, -- "/" and the emitter's plugin
	data      text NOT NULL,             -- JSON
	cause     text NOT NULL,
	hop       bigint NOT NULL,
	time      bigint NOT NULL,
	PRIMARY KEY (workspace, id)
);
CREATE INDEX events_type ON events (workspace, type, id);
SELECT isolate('events', 'workspace');
GRANT SELECT, INSERT, DELETE ON events TO carrel_tenant;

-- Work an installation has to do. due is null once there is nothing more to do,
-- so that the two indexes of what is due hold active deliveries only.
CREATE TABLE deliveries (
	workspace  text COLLATE "C" NOT NULL,
	id         text COLLATE "C" NOT NULL,
	install    text COLLATE "C" NOT NULL,
	event      text COLLATE "C" NOT NULL, -- empty: a job
	handler    text NOT NULL,
	payload    text NOT NULL,             -- JSON, or empty
	state      text NOT NULL CHECK (state IN ('pending', 'running', 'retry', 'held', 'done', 'set_aside')),
	attempt    bigint NOT NULL,
	due        bigint,                    -- while running, when the lease ends
	hop        bigint NOT NULL,
	last_error text NOT NULL,
	created    bigint NOT NULL,
	schedule   text COLLATE "C" NOT NULL, -- of which it is one occurrence, which is there once however often it is put
	occurrence bigint NOT NULL,           -- when it was first due
	trace      text NOT NULL,             -- what put it: a traceparent, or empty
	PRIMARY KEY (workspace, id),
	CHECK ((due IS NULL) = (state IN ('held', 'done', 'set_aside')))
);
CREATE INDEX deliveries_turn ON deliveries (workspace, due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (workspace, install) WHERE state = 'held';
CREATE INDEX deliveries_waiting ON deliveries (workspace, install) INCLUDE (event, state)
	WHERE event = '' AND state IN ('pending', 'running', 'retry', 'held');
CREATE INDEX deliveries_listening ON deliveries (workspace, install)
	WHERE event <> '' AND state IN ('pending', 'running', 'retry', 'held');
CREATE INDEX deliveries_event ON deliveries (workspace, event) WHERE event <> '';
CREATE INDEX deliveries_set_aside ON deliveries (workspace, id) WHERE state = 'set_aside';
CREATE UNIQUE INDEX deliveries_schedule ON deliveries (workspace, install, schedule, occurrence) WHERE schedule <> '';
SELECT isolate('deliveries', 'workspace');
GRANT SELECT, INSERT, UPDATE, DELETE ON deliveries TO carrel_tenant;
GRANT SELECT, UPDATE (state, attempt, due, last_error) ON deliveries TO carrel_platform; -- the claimer takes them in turn among workspaces
CREATE POLICY platform ON deliveries TO carrel_platform USING (true);

-- The log of invocations, whatever their outcome.
CREATE TABLE invocations (
	workspace text COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE, -- a call may end after its workspace
	id        text COLLATE "C" NOT NULL,
	install   text COLLATE "C" NOT NULL,
	handler   text NOT NULL,
	kind      text NOT NULL,
	trigger   text NOT NULL,
	outcome   text NOT NULL,
	runs      bigint NOT NULL,
	fuel      bigint NOT NULL,
	duration  bigint NOT NULL, -- microseconds
	error     text NOT NULL,
	started   bigint NOT NULL,
	delivery  text COLLATE "C" NOT NULL, -- empty: a request
	attempt   bigint NOT NULL,
	log       text NOT NULL,             -- JSON, or empty
	request   text NOT NULL,             -- that it was made for, or because of
	PRIMARY KEY (workspace, id)
);
CREATE INDEX invocations_delivery ON invocations (workspace, delivery) WHERE delivery <> '';
SELECT isolate('invocations', 'workspace');
GRANT SELECT, INSERT, DELETE ON invocations TO carrel_tenant;
GRANT INSERT ON invocations TO carrel_platform; -- a batch is of many workspaces
CREATE POLICY platform ON invocations FOR INSERT TO carrel_platform WITH CHECK (true);

-- +goose Down
DROP TABLE invocations, deliveries, events;
