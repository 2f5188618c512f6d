-- +goose Up

-- Deletes what is at these places, which a statement has found for its keys, and
-- returns how many documents that were. It goes to the places because it can't do
-- otherwise: a plan that is made while a workspace has a row or two would look
-- through all it has, and is kept when it has many. (The connections of a server
-- read no table as a whole.)
-- +goose StatementBegin
CREATE FUNCTION remove_at(listed tid[], held tid[], stored tid[]) RETURNS bigint
	LANGUAGE plpgsql SET enable_indexscan = off AS $$
DECLARE
	removed bigint := 0;
BEGIN
	IF cardinality(listed) > 0 THEN
		DELETE FROM entries WHERE ctid = ANY (listed);
	END IF;
	IF cardinality(held) > 0 THEN
		DELETE FROM unique_entries WHERE ctid = ANY (held);
	END IF;
	IF cardinality(stored) > 0 THEN
		DELETE FROM documents WHERE ctid = ANY (stored);
		GET DIAGNOSTICS removed = ROW_COUNT;
	END IF;
	RETURN removed;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION remove_at;
