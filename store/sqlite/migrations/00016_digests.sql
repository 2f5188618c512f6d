-- +goose Up

-- A start asks which releases are installed anywhere, and who has one of them.
CREATE INDEX installations_digest ON installations (digest);

-- +goose Down
DROP INDEX installations_digest;
