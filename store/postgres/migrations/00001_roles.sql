-- +goose Up

-- The server connects as the owner of these tables, and puts that away for one
-- of two roles, which own nothing. carrel_tenant sees the rows of one workspace,
-- the one its transaction names. carrel_platform sees what is of no workspace,
-- or has to be found across them: accounts, addresses, due deliveries. Roles
-- belong to a whole cluster, where another database of Carrel may have them.
-- +goose StatementBegin
DO $$
DECLARE
	wanted text;
BEGIN
	FOREACH wanted IN ARRAY ARRAY['carrel_tenant', 'carrel_platform'] LOOP
		BEGIN
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
				EXECUTE format('CREATE ROLE %I NOLOGIN NOBYPASSRLS', wanted);
			END IF;
		EXCEPTION WHEN duplicate_object OR unique_violation THEN -- made by another node just now
		END;
		IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
			EXECUTE format('GRANT %I TO %I', wanted, current_user);
		END IF;
	END LOOP;
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO carrel_tenant, carrel_platform', current_schema());
END
$$;
-- +goose StatementEnd

-- The workspace of the transaction, null when it names none: then no row is its.
CREATE FUNCTION current_workspace() RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN nullif(current_setting('carrel.workspace', true), '');

-- Ends the transaction unless something holds. The server finds the error to
-- give by the number of the expectation; figure is one for its message.
-- +goose StatementBegin
CREATE FUNCTION expect(holds boolean, expectation integer, figure bigint DEFAULT 0) RETURNS void
	LANGUAGE plpgsql AS $$
BEGIN
	IF holds IS NOT TRUE THEN
		RAISE EXCEPTION USING ERRCODE = 'CA001', MESSAGE = 'an expectation of the commit does not hold',
			DETAIL = expectation::text, HINT = figure::text;
	END IF;
END
$$;
-- +goose StatementEnd

-- Gives a table of workspaces' rows its isolation: for carrel_tenant, rows whose
-- column is the transaction's workspace; forced, so that the owner is held to it
-- as well. A test looks at every table.
-- +goose StatementBegin
CREATE FUNCTION isolate(tbl regclass, col name) RETURNS void
	LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tbl);
	EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tbl);
	EXECUTE format('CREATE POLICY tenant ON %s TO carrel_tenant USING (%I = (SELECT current_workspace()))', tbl, col);
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION isolate;
DROP FUNCTION expect;
DROP FUNCTION current_workspace;
