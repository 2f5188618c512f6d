package machine

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/carrel-dev/carrel/store/postgres/pgtest"
)

// What is wanted is measured; what is not there is left out; what fails ends it, and
// so does having nothing to measure.
func TestOnStores(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		only  string
		fails map[string]error
		did   []string
		want  error
	}{
		{"", nil, []string{"sqlite", "postgres"}, nil},
		{"postgres", nil, []string{"postgres"}, nil},
		{"", map[string]error{"postgres": fmt.Errorf("a database: %w", pgtest.ErrMissing)}, []string{"sqlite", "postgres"}, nil},
		{"", map[string]error{"sqlite": broken}, []string{"sqlite"}, broken},
	} {
		var did []string
		err := OnStores(c.only, func(store string, pg *Postgres) error {
			if (pg == nil) != (store == "sqlite") {
				t.Errorf("on %s it is given %v", store, pg)
			}
			did = append(did, store)
			return c.fails[store]
		})
		if !slices.Equal(did, c.did) || !errors.Is(err, c.want) {
			t.Errorf("only %q: it did %v with %v, want %v with %v", c.only, did, err, c.did, c.want)
		}
	}
	if err := OnStores("redis", func(string, *Postgres) error { return nil }); err == nil {
		t.Error("there is nothing to measure, and no error")
	}
}
