package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/carrel-dev/carrel/core"
)

// modelled is what a delivery must be.
type modelled struct {
	core.Delivery
	done int
}

// deliveryModel lets claimers, attempts of any age, people and crashes do what
// they like to a few deliveries, and compares them with what a few lines of Go
// say they are. Each has its effect exactly when it is done, and once.
func deliveryModel(t *testing.T, c *counter) {
	ctx := context.Background()
	rapid.Check(t, func(r *rapid.T) {
		ws := core.NewWorkspaceID()
		now := noon
		model := map[core.DeliveryID]*modelled{}
		var order []core.DeliveryID
		var attempts []core.Delivery // every claim there ever was
		effects := 0
		defer func() { // what is left must not be another run's
			if err := c.RecoverDeliveries(ctx, now, 1000); err != nil {
				t.Fatal(err)
			}
			end := now.Add(time.Hour) // behind every lease
			for left := c.claim(end, "", nil, 10); len(left) > 0; left = c.claim(end, "", nil, 10) {
				for _, d := range left {
					c.commit(d.Workspace, completed(d))
				}
			}
		}()
		// attempt draws one, most often the newest.
		attempt := func(r *rapid.T) core.Delivery {
			if len(attempts) == 0 {
				r.Skip("nothing was claimed")
			}
			return attempts[len(attempts)-1-min(rapid.IntRange(0, 3).Draw(r, "age"), len(attempts)-1)]
		}
		running := func(d core.Delivery) bool {
			m := model[d.ID]
			return m.State == core.DeliveryRunning && m.Attempt == d.Attempt
		}
		// unit commits changes that are of an attempt, with an effect.
		unit := func(r *rapid.T, d core.Delivery, change core.Change) bool {
			err := c.try(ws, change)
			if !running(d) {
				if core.KindOf(err) != core.Stale {
					r.Fatalf("%+v by an attempt that is over: %v", change, err)
				}
				return false
			}
			if err != nil {
				r.Fatal(err)
			}
			effects++
			return true
		}
		r.Repeat(map[string]func(*rapid.T){
			"put": func(r *rapid.T) {
				d := job("ins_1", now.Add(time.Duration(rapid.IntRange(0, 3).Draw(r, "minutes"))*time.Minute))
				d.Workspace = ws
				c.commit(ws, core.PutDelivery{Delivery: d})
				effects++
				model[d.ID] = &modelled{Delivery: d}
				order = append(order, d.ID)
			},
			"wait": func(r *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 120).Draw(r, "seconds")) * time.Second)
			},
			"claim": func(r *rapid.T) {
				var due []core.DeliveryID
				first := time.Time{}
				for _, id := range order {
					m := model[id]
					if m.Due.IsZero() || m.Due.After(now) {
						continue
					}
					if first.IsZero() || m.Due.Before(first) {
						due, first = nil, m.Due
					}
					if m.Due.Equal(first) {
						due = append(due, id)
					}
				}
				claimed := c.claim(now, "", nil, 10)
				if len(due) == 0 {
					if len(claimed) != 0 {
						r.Fatalf("claimed %+v, and nothing is due", claimed)
					}
					return
				}
				if len(claimed) != 1 || !slices.Contains(due, claimed[0].ID) {
					r.Fatalf("claimed %+v, due are %v", claimed, due)
				}
				m := model[claimed[0].ID]
				m.State, m.Attempt, m.Due = core.DeliveryRunning, m.Attempt+1, now.Add(30*time.Second)
				attempts = append(attempts, claimed[0])
			},
			"complete": func(r *rapid.T) {
				if d := attempt(r); unit(r, d, completed(d)) {
					m := model[d.ID]
					m.State, m.Due, m.LastError = core.DeliveryDone, time.Time{}, ""
					m.done++
				}
			},
			"hold": func(r *rapid.T) {
				if d := attempt(r); unit(r, d, core.HoldDelivery{ID: d.ID, Attempt: d.Attempt, Reason: "held"}) {
					m := model[d.ID]
					m.State, m.Due, m.LastError, m.Attempt = core.DeliveryHeld, time.Time{}, "held", m.Attempt-1
				}
			},
			"retry": func(r *rapid.T) {
				d := attempt(r)
				due := now.Add(time.Duration(rapid.IntRange(1, 90).Draw(r, "seconds")) * time.Second)
				if err := c.RetryDelivery(ctx, d, due, "failed"); err != nil {
					r.Fatal(err)
				}
				if running(d) {
					m := model[d.ID]
					m.State, m.Due, m.LastError = core.DeliveryRetry, due, "failed"
				}
			},
			"set aside": func(r *rapid.T) {
				d := attempt(r)
				if err := c.SetAsideDelivery(ctx, d, "given up"); err != nil {
					r.Fatal(err)
				}
				if running(d) {
					m := model[d.ID]
					m.State, m.Due, m.LastError = core.DeliverySetAside, time.Time{}, "given up"
				}
			},
			"redrive": func(r *rapid.T) {
				if len(order) == 0 {
					r.Skip("there is none")
				}
				m := model[rapid.SampledFrom(order).Draw(r, "delivery")]
				_, err := c.Redrive(ctx, ws, m.ID, core.AuditEntry{Time: now})
				if m.State != core.DeliverySetAside {
					if core.KindOf(err) != core.Denied {
						r.Fatalf("one that is %s was redriven: %v", m.State, err)
					}
					return
				}
				if err != nil {
					r.Fatal(err)
				}
				m.State, m.Due, m.Attempt = core.DeliveryPending, now, 0
				// Attempts of before must not be taken for those to come.
				attempts = slices.DeleteFunc(attempts, func(d core.Delivery) bool { return d.ID == m.ID })
			},
			"restart": func(r *rapid.T) {
				if err := c.RecoverDeliveries(ctx, now, 4); err != nil {
					r.Fatal(err)
				}
				for _, m := range model {
					switch {
					case m.State == core.DeliveryRunning && c.shared && m.Due.After(now): // who runs it may live
					case m.State == core.DeliveryRunning && m.Attempt >= 4:
						m.State, m.Due = core.DeliverySetAside, time.Time{}
					case m.State == core.DeliveryRunning && !c.shared:
						m.State, m.Due = core.DeliveryRetry, now
					case m.State == core.DeliveryHeld && m.Attempt == 0:
						m.State, m.Due = core.DeliveryPending, now
					case m.State == core.DeliveryHeld:
						m.State, m.Due = core.DeliveryRetry, now
					}
				}
			},
			"": func(r *rapid.T) {
				if n := c.effects(ws); n != effects {
					r.Fatalf("%d effects, want %d", n, effects)
				}
				for _, id := range order {
					m := model[id]
					got, err := c.Delivery(ctx, ws, id)
					if err != nil {
						r.Fatal(err)
					}
					if is, want := shape(got), shape(m.Delivery); is != want || m.done > 1 {
						r.Fatalf("it is %s, done %d times; want %s", is, m.done, want)
					}
				}
			},
		})
	})
}

// shape is what of a delivery the model knows.
func shape(d core.Delivery) string { return fmt.Sprint(d.State, " ", d.Attempt, " ", d.Due.UTC()) }
