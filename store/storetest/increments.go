package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/store"
)

// increments has 100 callers read one document and write it back plus one.
func increments(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)
	counter := d.insert("companies", `{"name":"Counter","size":0}`)
	const callers = 100
	ready := make(chan struct{})
	var mu sync.Mutex
	var wg sync.WaitGroup
	reruns := 0
	for range callers {
		wg.Go(func() {
			<-ready
			n, err := d.again(func(u *store.Unit) error {
				doc, err := u.Get(ctx, "companies", counter.ID)
				if err != nil {
					return err
				}
				var body struct{ Size int }
				if err := json.Unmarshal(doc.Body, &body); err != nil {
					return err
				}
				_, err = u.Patch(ctx, "companies", counter.ID, fmt.Appendf(nil, `{"size":%d}`, body.Size+1), doc.Version)
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			reruns += n
			if err != nil {
				t.Error(err)
			}
		})
	}
	close(ready)
	wg.Wait()
	doc := d.begin().get("companies", counter.ID)
	if got := field(t, doc, "size"); got != float64(callers) || doc.Version != callers+1 {
		t.Errorf("%d increments made %v at version %d", callers, got, doc.Version)
	}
	if reruns == 0 {
		t.Error("not one of the increments ran again: they did not overlap")
	}
	t.Logf("%d increments, %d re-runs", callers, reruns)
}
