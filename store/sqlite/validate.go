package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// Validate implements store.Backend. Where the moment the workspace is at is
// remembered, what was seen at it needs no look into the file.
func (d *documents) Validate(ctx context.Context, ws core.WorkspaceID, epoch int64, seen []store.Observation) error {
	now, known, _ := d.db.memory.moments.Get(ws)
	if known && now.AuthEpoch == epoch && !slices.ContainsFunc(seen, func(o store.Observation) bool { return o.Seq != now.Seq }) {
		return nil
	}
	_, err := d.read(ctx, ws, func(s session) error {
		now, err := s.head(ctx, ws)
		if err != nil {
			return err
		}
		return s.validate(ctx, ws, now, epoch, seen)
	})
	return err
}

// validate checks that what a unit saw is so now. What it saw at this very
// moment needs no second look.
func (s session) validate(ctx context.Context, ws core.WorkspaceID, now store.Moment, epoch int64, seen []store.Observation) error {
	if now.AuthEpoch != epoch {
		return store.NewStaleEpoch()
	}
	for _, o := range seen {
		if o.Seq == now.Seq {
			continue
		}
		answer, err := s.answer(ctx, ws, o.Question)
		if err != nil {
			return err
		}
		if answer != o.Answer {
			return store.NewConflict(ws, o.Question)
		}
	}
	return nil
}

// answer answers a question as of the session's transaction.
func (s session) answer(ctx context.Context, ws core.WorkspaceID, q store.Question) (store.Answer, error) {
	switch q := q.(type) {
	case store.VersionOf:
		return s.version(ctx, ws, q.Table, q.ID)
	case store.Existence:
		version, err := s.version(ctx, ws, q.Table, q.ID)
		return version > 0, err
	case store.HolderOf:
		var id core.DocumentID
		err := s.row(ctx, selectHolder, ws, q.Index, []byte(q.Key)).Scan(&id)
		return id, orNone(err)
	case store.RowsOf:
		return s.digest(ctx, ws, q.Range)
	case store.Answered:
		var hash, answer []byte
		var created int64
		err := s.row(ctx, selectReceipt, ws, q.Scope, q.Key).Scan(&hash, &answer, &created)
		return err == nil, orNone(err)
	case store.SumOf:
		var sum int64
		err := s.row(ctx, selectSum, ws, q.Meter).Scan(&sum)
		return sum, err
	case store.ObjectOf:
		blob, err := s.blob(ctx, ws, q.Plugin, q.Digest)
		if blob == nil {
			return "", err
		}
		return blob.Object, err
	case store.BlobsCounted:
		var sum int64
		err := s.row(ctx, selectCounted, ws).Scan(&sum)
		return sum, err
	default:
		return nil, core.E("sqlite.Validate", core.Internal, "This database cannot answer a %T.", q)
	}
}

func (s session) version(ctx context.Context, ws core.WorkspaceID, table store.Number, id core.DocumentID) (version int64, err error) {
	err = s.row(ctx, selectVersion, ws, table, id).Scan(&version)
	return version, orNone(err)
}

// orNone takes no row for an answer.
func orNone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
