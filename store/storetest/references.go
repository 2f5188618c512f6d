package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

func references(t *testing.T, b store.Backend) {
	ctx := context.Background()
	d := newDesk(t, b)

	// restrict: deals and contacts keep what they refer to.
	acme := d.insert("companies", `{"name":"Acme"}`)
	deal := d.insert("deals", `{"title":"One","company":"`+string(acme.ID)+`"}`)
	u := d.begin()
	err := u.Delete(ctx, "companies", acme.ID, 0)
	wants(t, err, core.Exists)
	if got := core.MessageOf(err); !strings.Contains(got, "company of deals ("+string(deal.ID)+")") {
		t.Errorf("%q doesn't name what is in the way", got)
	}
	if u.commit().Seq != 0 {
		t.Error("a refused delete wrote something")
	}
	d.committed(func(u *unit) { // in one unit, the deal first
		u.delete("deals", deal.ID)
		u.delete("companies", acme.ID)
	})

	// clear, cascade, and both at once, several steps deep.
	base := d.insert("companies", `{"name":"Base"}`)
	ann := d.insert("contacts", `{"name":"Ann","company":"`+string(base.ID)+`"}`)
	bea := d.insert("contacts", `{"name":"Bea","boss":"`+string(ann.ID)+`","company":"`+string(base.ID)+`"}`)
	deals := make([]core.Document, 3)
	for i := range deals {
		deals[i] = d.insert("deals", fmt.Sprintf(`{"title":"%d","contact":"%s"}`, i, bea.ID))
	}
	d.committed(func(u *unit) {
		u.delete("companies", base.ID)
		if got := u.get("contacts", ann.ID); field(t, got, "company") != nil || got.Version != 2 {
			t.Errorf("ann is %s at %d", got.Body, got.Version)
		}
	})
	u = d.begin()
	if got := u.get("contacts", bea.ID); field(t, got, "company") != nil || field(t, got, "name") != "Bea" || got.Version != 2 {
		t.Errorf("bea is %s at %d", got.Body, got.Version)
	}
	wants(t, u.Delete(ctx, "contacts", ann.ID, 0), core.Exists) // bea's boss
	late := u.insert("deals", `{"title":"late","contact":"`+string(bea.ID)+`"}`)
	u.delete("contacts", bea.ID)
	for _, id := range []core.DocumentID{deals[0].ID, deals[2].ID, late.ID} {
		_, err := u.Get(ctx, "deals", id)
		wants(t, err, core.NotFound)
	}
	u.delete("contacts", ann.ID)
	u.commit()
	if u := d.begin(); u.count("deals") != 0 || u.count("contacts") != 0 {
		t.Error("something survived the cascade")
	}

	// A document that refers to itself, and two that refer to each other, can go.
	self := d.insert("contacts", `{"name":"Self"}`)
	d.committed(func(u *unit) { u.patch("contacts", self.ID, `{"boss":"`+string(self.ID)+`"}`) })
	d.committed(func(u *unit) { u.delete("contacts", self.ID) })

	// A reference to a document of the same unit, and to one it has deleted.
	u = d.begin()
	co := u.insert("companies", `{"name":"New"}`)
	u.insert("contacts", `{"name":"Cy","company":"`+string(co.ID)+`"}`)
	u.delete("companies", co.ID)
	_, err = u.Insert(ctx, "contacts", json.RawMessage(`{"name":"Di","company":"`+string(co.ID)+`"}`))
	wantsAt(t, err, core.Invalid, "body.company")
	u.commit()

	// At most 1,000 go with one delete.
	for _, n := range []int{store.MaxAffected - 1, store.MaxAffected} {
		hub := d.insert("contacts", fmt.Sprintf(`{"name":"Hub %d"}`, n))
		d.committed(func(u *unit) {
			for range n {
				u.insert("deals", `{"title":"x","contact":"`+string(hub.ID)+`"}`)
			}
		})
		u := d.begin()
		err := u.Delete(ctx, "contacts", hub.ID, 0)
		if n == store.MaxAffected { // and the hub itself
			wants(t, err, core.TooLarge)
			u.get("contacts", hub.ID)
			continue
		}
		u.must(err)
		u.commit()
	}
}
