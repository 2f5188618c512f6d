-- +goose Up

-- carrel_backup is for `carrel backup` and `carrel restore`, and no server has it:
-- it reads every row, and writes those of the workspace that its transaction names,
-- or of all when it names none. What it changes it deletes and puts anew.
-- +goose StatementBegin
DO $$
DECLARE
	tbl text;
	col text;
BEGIN
	BEGIN
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'carrel_backup') THEN
			CREATE ROLE carrel_backup NOLOGIN NOBYPASSRLS;
		END IF;
	EXCEPTION WHEN duplicate_object OR unique_violation THEN -- made by another node just now
	END;
	IF NOT pg_has_role(current_user, 'carrel_backup', 'MEMBER') THEN
		EXECUTE format('GRANT carrel_backup TO %I', current_user);
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO carrel_backup', current_schema());
	FOREACH tbl IN ARRAY ARRAY['heads', 'documents', 'entries', 'unique_entries', 'receipts', 'usage_sums', 'workspaces', 'slugs', 'tokens',
			'members', 'installations', 'contracts', 'audit', 'events', 'deliveries', 'invocations'] LOOP
		col := CASE tbl WHEN 'workspaces' THEN 'id' ELSE 'workspace' END;
		EXECUTE format('GRANT SELECT, INSERT, DELETE ON %I TO carrel_backup', tbl);
		EXECUTE format('CREATE POLICY backup_read ON %I FOR SELECT TO carrel_backup USING (true)', tbl);
		EXECUTE format('CREATE POLICY backup_insert ON %I FOR INSERT TO carrel_backup'
			' WITH CHECK ((SELECT current_workspace()) IS NULL OR %I = (SELECT current_workspace()))', tbl, col);
		EXECUTE format('CREATE POLICY backup_delete ON %I FOR DELETE TO carrel_backup'
			' USING ((SELECT current_workspace()) IS NULL OR %I = (SELECT current_workspace()))', tbl, col);
	END LOOP;
END
$$;
-- +goose StatementEnd

CREATE POLICY backup ON accounts TO carrel_backup USING (true);
GRANT SELECT, INSERT ON accounts TO carrel_backup;
GRANT SELECT, INSERT, DELETE ON catalog, secret_keys TO carrel_backup;
GRANT DELETE ON sessions, setup TO carrel_backup;
GRANT SELECT (version_id, is_applied) ON goose_db_version TO carrel_backup;
-- What was restored with its numbers is not given them again.
GRANT SELECT, UPDATE ON SEQUENCE catalog_number_seq, slugs_position_seq, audit_position_seq TO carrel_backup;

-- +goose Down
DROP OWNED BY carrel_backup; -- its rights and policies in this database: it owns nothing
