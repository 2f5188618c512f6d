package sqlite

import (
	"context"
	"database/sql"
	"testing"
)

// The log is begun anew now and then while there is one write after the other, but not
// while somebody reads what is only in it; and that keeps nobody from writing.
func TestTheLogIsBegunAnew(t *testing.T) {
	db := openTest(t)
	write(t, db, func(context.Context, *sql.Tx) error {
		db.committer.log.at = 100
		return nil
	})
	makeTable(t, db)
	n := 0
	grow := func() int {
		t.Helper()
		n++
		write(t, db, insert(n))
		pages, err := checkpoint(db.copy, "NOOP")
		if err != nil {
			t.Fatal(err)
		}
		return pages
	}
	grow()
	const enough = 5000
	reader, err := db.Reader().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ExecContext(t.Context(), "SELECT * FROM scratch"); err != nil {
		t.Fatal(err)
	}
	for last := 0; n < enough/10; {
		now := grow()
		if now < last {
			t.Fatalf("the log was begun anew with %d pages while somebody read from it", last)
		}
		last = now
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	for last, begun := 0, 0; begun < 3; {
		now := grow()
		if now < last {
			begun++
		}
		if last = now; n == enough {
			t.Fatalf("after %d writes the log has %d pages, and was begun anew %d times", n, now, begun)
		}
	}
}
