package machine

import (
	"errors"
	"fmt"
	"os"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// OnStores measures on the store that is wanted, sqlite or postgres, or on both when
// only is empty. On SQLite pg is nil. A store that isn't on this machine is left out
// with a note.
func OnStores(only string, measure func(store string, pg *Postgres) error) (err error) {
	cluster := new(Postgres)
	defer func() { err = errors.Join(err, cluster.Remove()) }()
	measured := false
	for _, store := range []struct {
		name string
		pg   *Postgres
	}{{"sqlite", nil}, {"postgres", cluster}} {
		if only != "" && only != store.name {
			continue
		}
		err := measure(store.name, store.pg)
		if errors.Is(err, pgtest.ErrMissing) {
			fmt.Fprintf(os.Stderr, "Left out, %s: %s.\n", store.name, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", store.name, err)
		}
		measured = true
	}
	if !measured {
		return errors.New("with these flags there is nothing to measure")
	}
	return nil
}
