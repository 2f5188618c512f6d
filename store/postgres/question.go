package postgres

import (
	"context"
	"strconv"
	"strings"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// asked is a question as an expression of SQL: what answers it, of which type,
// with its arguments behind the workspace.
type asked struct {
	answer string
	args   []any
}

func ask(q store.Question) (asked, error) {
	switch q := q.(type) {
	case store.VersionOf:
		return asked{"coalesce((SELECT version FROM documents WHERE " + inWorkspace + " AND tbl = $2 AND id = $3), 0)",
			[]any{int64(q.Table), q.ID}}, nil
	case store.Existence:
		return asked{"EXISTS (SELECT FROM documents WHERE " + inWorkspace + " AND tbl = $2 AND id = $3)",
			[]any{int64(q.Table), q.ID}}, nil
	case store.HolderOf:
		return asked{"coalesce((SELECT id FROM unique_entries WHERE " + inWorkspace + " AND idx = $2 AND key = $3), '')",
			[]any{int64(q.Index), []byte(q.Key)}}, nil
	case store.RowsOf:
		return digest(q.Range), nil
	case store.Answered:
		return asked{"EXISTS (SELECT FROM receipts WHERE " + inWorkspace + " AND scope = $2 AND key = $3)",
			[]any{q.Scope, q.Key}}, nil
	case store.SumOf:
		return asked{"(SELECT coalesce(sum(quantity), 0)::bigint FROM usage_sums WHERE " + inWorkspace + " AND meter = $2)",
			[]any{q.Meter}}, nil
	case store.ObjectOf:
		return asked{"coalesce((SELECT object FROM blobs WHERE " + ofPlugin + " AND digest = $4), '')",
			[]any{q.Plugin.Publisher, q.Plugin.Name, q.Digest}}, nil
	case store.BlobsCounted:
		return asked{counted, nil}, nil
	default:
		return asked{}, core.E("postgres.Ask", core.Internal, "This database cannot answer a %T.", q)
	}
}

// digest asks for the store.Digest of what is in a range.
func digest(r store.Range) asked {
	from, where, args := span(r)
	row := "int4send(octet_length(key)) || key || int4send(octet_length(id)) || convert_to(id, 'UTF8')"
	rows := "SELECT key, id FROM entries WHERE " + inWorkspace + " AND " + where
	// Of more than anybody could have read no more is looked at: that is another answer anyway.
	order := " ORDER BY key, id LIMIT " + strconv.Itoa(store.MaxCounted+1)
	switch {
	case from == "documents":
		order = strings.Replace(order, "key, ", "", 1)
		rows = "SELECT ''::bytea AS key, id, version FROM documents WHERE " + inWorkspace + " AND " + where
	case !r.KeysOnly:
		args = append(args, int64(r.Table))
		rows = "SELECT * FROM (" + rows + ") e" + strings.ReplaceAll(documentOf, "%table", place(len(args)+1))
	}
	if !r.KeysOnly {
		row += " || int8send(coalesce(version, 0))"
	}
	return asked{"(SELECT sha256(coalesce(string_agg(" + row + ", ''::bytea ORDER BY key, id), ''::bytea)) FROM (" + rows + order + ") found)", args}
}

// stored is an answer as the database gives it.
func (asked) stored(a store.Answer) any {
	switch a := a.(type) {
	case store.Digest:
		return a[:]
	case core.DocumentID:
		return string(a)
	default:
		return a
	}
}

// Ask implements store.Backend.
func (d *documents) Ask(ctx context.Context, ws core.WorkspaceID, q store.Question) (answer store.Answer, at store.Moment, err error) {
	question, err := ask(q)
	if err != nil {
		return nil, at, err
	}
	err = d.db.read(ctx, "postgres.Ask", ws, func(b *batch) {
		b.head(ws, &at)
		b.row(func(s scanner) (err error) {
			switch q.(type) {
			case store.VersionOf, store.SumOf, store.BlobsCounted:
				answer, err = scanned[int64](s)
			case store.Existence, store.Answered:
				answer, err = scanned[bool](s)
			case store.HolderOf:
				answer, err = scanned[core.DocumentID](s)
			case store.ObjectOf:
				answer, err = scanned[string](s)
			case store.RowsOf:
				var sum []byte
				sum, err = scanned[[]byte](s)
				if err == nil {
					answer = store.Digest(sum)
				}
			}
			return err
		}, "SELECT "+question.answer, append([]any{ws}, question.args...)...)
	})
	return answer, at, err
}

func scanned[T any](s scanner) (value T, err error) {
	err = s.Scan(&value)
	return value, err
}

// gathersEpochs: 0 is the epoch of a workspace before its first, and of one that was
// deleted.
func (db *DB) gathersEpochs() *gatherer[core.WorkspaceID, int64] {
	return gathers(db, "postgres.Validate",
		"SELECT q.place, coalesce(h.auth_epoch, 0) FROM unnest($1::text[]) WITH ORDINALITY q (workspace, place)"+
			" LEFT"+with("h", "auth_epoch", "heads", "workspace = q.workspace"),
		func(workspaces []core.WorkspaceID) []any { return []any{texts(workspaces)} }, scanned[int64])
}

// Validate implements store.Backend.
func (d *documents) Validate(ctx context.Context, ws core.WorkspaceID, epoch int64, seen []store.Observation) error {
	if len(seen) == 0 {
		current, err := remembered(ctx, d.db.lease, &d.db.memory.epochs, d.db.epochs, ws)
		if err == nil && current != epoch {
			return store.NewStaleEpoch()
		}
		return err
	}
	var bad error
	err := d.db.read(ctx, "postgres.Validate", ws, func(b *batch) {
		b.exec("SELECT expect(coalesce((SELECT auth_epoch FROM heads WHERE "+inWorkspace+"), 0) = $2, $3)",
			ws, epoch, int32(b.unless(func(int64) error { return store.NewStaleEpoch() })))
		var all observed
		for _, o := range seen {
			if bad = all.add(b, ws, o, 0); bad != nil {
				return
			}
		}
		all.exec(b, ws)
	})
	if bad != nil {
		return bad
	}
	return err
}
