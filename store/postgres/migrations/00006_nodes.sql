-- +goose Up

-- Which node runs a delivery. A node has a number while it lives, and an advisory
-- lock on it for as long as its connection lasts: who finds the lock gone knows
-- that the node is, long before its leases end.
CREATE SEQUENCE node_numbers MAXVALUE 2147483647 CYCLE;
GRANT USAGE ON SEQUENCE node_numbers TO carrel_platform;
ALTER TABLE deliveries ADD COLUMN node integer NOT NULL DEFAULT 0; -- 0: of a node that has none
GRANT UPDATE (node) ON deliveries TO carrel_platform;

-- +goose Down
ALTER TABLE deliveries DROP COLUMN node;
DROP SEQUENCE node_numbers;
