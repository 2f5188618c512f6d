package sqlite_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// Events are listed the newest first, all or those of one type, page by page, and
// never those of another workspace.
func TestEventsOfATypeInPages(t *testing.T) {
	db := open(t)
	w, _ := makeWorkspace(t, db)
	other, _ := makeWorkspace(t, db)
	var all, ofType []core.EventID
	for i := range 6 {
		event := core.Event{ID: core.NewEventID(), Workspace: w.ID, Type: "crm.a", Version: 1, Source: "/crm", Data: json.RawMessage(`{}`), Time: morning}
		if i%2 == 1 {
			event.Type = "crm.b"
			ofType = append(ofType, event.ID)
		}
		all = append(all, event.ID)
		elsewhere := event
		elsewhere.ID, elsewhere.Workspace = core.NewEventID(), other.ID
		if err := change(db, w.ID, core.AppendEvent{Event: event}); err != nil {
			t.Fatal(err)
		}
		if err := change(db, other.ID, core.AppendEvent{Event: elsewhere}); err != nil {
			t.Fatal(err)
		}
	}
	for eventType, want := range map[string][]core.EventID{"": all, "crm.b": ofType, "crm.c": nil} {
		var got []core.EventID
		for before := core.EventID(""); ; {
			page, err := db.History().Events(t.Context(), w.ID, eventType, before, 2)
			if err != nil {
				t.Fatalf("%q: %v", eventType, err)
			}
			if len(page) == 0 {
				break
			}
			for _, event := range page {
				got = append(got, event.ID)
			}
			before = got[len(got)-1]
		}
		slices.Reverse(got)
		if !slices.Equal(got, want) {
			t.Errorf("of type %q: %v, want %v", eventType, got, want)
		}
	}
}
