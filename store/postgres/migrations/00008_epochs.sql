-- +goose Up

-- Whether a call was authorised by what is still so is asked at its end, for calls in
-- many workspaces at once. seq, which says how much a workspace writes, stays its own.
GRANT SELECT (workspace, auth_epoch) ON heads TO carrel_platform;
CREATE POLICY platform ON heads FOR SELECT TO carrel_platform USING (true);

-- +goose Down
DROP POLICY platform ON heads;
REVOKE SELECT (workspace, auth_epoch) ON heads FROM carrel_platform;
