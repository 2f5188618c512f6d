-- +goose Up

-- The nodes that may remember who is who. Each renews its lease, and says with it up to
-- which invalidation it has forgotten all it remembered.
CREATE TABLE leases (
	node     integer PRIMARY KEY, -- of node_numbers
	renewals bigint NOT NULL,     -- how often it was renewed: whether it still is, without asking a clock
	forgot   bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO carrel_platform;

-- Numbers what makes memories wrong, each after it was committed.
CREATE SEQUENCE invalidations;
SELECT nextval('invalidations'); -- so that its last value is none that will be given
GRANT USAGE, SELECT ON SEQUENCE invalidations TO carrel_platform;

-- +goose Down
DROP SEQUENCE invalidations;
DROP TABLE leases;
