package dispatch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/hostfuncs"
)

// installShop installs the listening plugin in a workspace.
func (b *bench) installShop(ws core.Workspace) core.Installation {
	b.Helper()
	in := core.Installation{
		ID: core.NewInstallationID(), Workspace: ws.ID, Plugin: core.PluginID{Publisher: "acme", Name: "shop"}, Alias: "shop",
		Version: "1.0.0", Digest: "sha256:shop", State: core.InstallationEnabled, Revision: 1, Created: noon, Updated: noon,
		Grants: []core.Grant{{Capability: abi.CapabilityData}, {Capability: abi.CapabilityEvents, Events: []string{"crm.counted"}}},
	}
	must(b.T, b.db.Change(b.Context(), ws.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.PutInstallation{Installation: in}}, nil
	}))
	return in
}

// shopState enables or disables the listening plugin.
func (b *bench) shopState(state core.InstallationState) {
	b.Helper()
	must(b.T, b.db.Change(b.Context(), b.ws.ID, func(a core.Access) ([]core.Change, error) {
		in, _ := a.Installation("shop")
		in.State, in.Revision, in.Updated = state, in.Revision+1, time.Now()
		return []core.Change{core.PutInstallation{Installation: in}}, nil
	}))
}

// emit is a guest that tells of a number of events, and then fails or not.
func emit(eventType string, n int, fail error) guest {
	return func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		for i := range n {
			if _, err := call[abi.IDResponse](ctx, host, abi.OpEventsEmit, map[string]any{"type": eventType, "version": 1, "data": map[string]any{"n": i}}); err != nil {
				return nil, err
			}
		}
		return "{}", fail
	}
}

// due claims what is due in all workspaces, one after the other.
func (b *bench) due() (claimed []core.Delivery) {
	b.Helper()
	for {
		now := time.Now()
		list, err := b.db.ClaimDeliveries(b.Context(), now, now.Add(time.Minute), "", nil, 1, 10)
		must(b.T, err)
		if len(list) == 0 {
			return claimed
		}
		claimed = append(claimed, list...)
	}
}

func TestAListenerAndItsDeliveryAreOneUnit(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	in := b.installShop(b.ws)
	b.handle("mutation", emit("crm.counted", 2, nil))
	answer, err := b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	if b.woken.Load() != 1 {
		t.Errorf("the claimer was woken %d times", b.woken.Load())
	}
	fails := true
	b.handle("heard", func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (any, error) {
		e := in.Event
		if in.Trigger != abi.TriggerEvent || in.Kind != abi.KindMutation || in.Actor.Type != "installation" || e == nil || in.Payload != nil {
			t.Fatalf("invocation: %+v", in)
		}
		if e.SpecVersion != "1.0" || e.Type != "crm.counted" || e.Source != "/crm" || e.DataVersion != 1 || e.Cause != string(answer.Invocation) || e.Hop != 0 || e.Time.IsZero() {
			t.Errorf("event: %+v", e)
		}
		one, err := insert(ctx, host, string(e.Data))
		if fails {
			fails = false
			return nil, core.E("", core.Unavailable, "Not yet.")
		}
		return one, err
	})
	deliveries := b.due()
	if len(deliveries) != 2 {
		t.Fatalf("%d deliveries", len(deliveries))
	}
	for _, dl := range deliveries {
		if dl.Install != in.ID || dl.Hop != 1 || dl.Handler != "crm.counted" {
			t.Fatalf("delivery: %+v", dl)
		}
	}
	wantError(t, d.Deliver(t.Context(), deliveries[0]), core.Unavailable, "Not yet.")
	if b.state(deliveries[0]) != core.DeliveryRunning {
		t.Fatal("a failed attempt completed its delivery")
	}
	for _, dl := range deliveries {
		must(t, d.Deliver(t.Context(), dl))
		if b.state(dl) != core.DeliveryDone {
			t.Fatalf("it is %s", b.state(dl))
		}
		if err := d.Deliver(t.Context(), dl); err == nil {
			t.Fatal("it was delivered twice")
		}
	}
	if n := b.footprint(in.Plugin).Documents; n != 2 {
		t.Fatalf("%d effects, want 2", n)
	}
}

func (b *bench) footprint(plugin core.PluginID) core.Footprint {
	b.Helper()
	footprint, err := b.db.Footprint(b.Context(), b.ws.ID, plugin)
	must(b.T, err)
	return footprint
}

// updateShop gives the listening plugin another release, and what it receives.
func (b *bench) updateShop(release *abi.Manifest, patterns ...string) {
	b.Helper()
	must(b.T, b.db.Change(b.Context(), b.ws.ID, func(a core.Access) ([]core.Change, error) {
		in, _ := a.Installation("shop")
		in.Digest, in.Revision = core.Digest("sha256:"+release.Version), in.Revision+1
		in.Grants = []core.Grant{{Capability: abi.CapabilityData}, {Capability: abi.CapabilityEvents, Events: patterns}}
		releases[in.Digest] = release
		return []core.Change{core.PutInstallation{Installation: in}}, nil
	}))
}

// A listener of many types is told of each event once, by its most specific
// handler, and only of what was consented to; of its own plugin's it is not.
func TestListenersOfManyTypes(t *testing.T) {
	b := newBench(t)
	several, one := *shop, *shop
	several.Version, one.Version = "1.1.0", "1.2.0"
	one.Listens = []abi.Listener{{Type: "*", Handler: "any"}}
	several.Listens = []abi.Listener{{Type: "*", Handler: "any"}, {Type: "crm.*", Handler: "crm"}, {Type: "crm.counted", Handler: "heard"}}
	d := b.dispatcher()
	b.installShop(b.ws)
	b.handle("mutation", emit("crm.counted", 1, nil))
	var ran []string
	for _, handler := range []string{"any", "crm", "heard"} {
		b.handle(handler, func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (any, error) {
			ran = append(ran, in.Handler+" "+in.Event.Type)
			return emit("shop.heard", 1, nil)(ctx, in, host) // of which it is not told
		})
	}
	for _, c := range []struct {
		patterns []string
		want     string
	}{
		{[]string{"*", "crm.*", "crm.counted"}, "heard crm.counted"},
		{[]string{"crm.*"}, "heard crm.counted"}, // consent is to what; the manifest says who handles it
		{[]string{"lms.*", "core.*"}, ""},
	} {
		b.updateShop(&several, c.patterns...)
		ran = nil
		_, err := b.ask(d, b.owner, "POST", "/run")
		must(t, err)
		for deliveries := b.due(); len(deliveries) > 0; deliveries = b.due() {
			for _, dl := range deliveries {
				must(t, d.Deliver(t.Context(), dl))
			}
		}
		if got := strings.Join(ran, ", "); got != c.want {
			t.Errorf("granted %v: %s, want %s", c.patterns, got, c.want)
		}
	}
	// What waits is handled as the release says that is there by then.
	b.updateShop(&several, "*")
	_, err := b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	b.updateShop(&one, "*")
	ran = nil
	for _, dl := range b.due() {
		must(t, b.dispatcher().Deliver(t.Context(), dl)) // one whose view is not of before
	}
	if got := strings.Join(ran, ", "); got != "any crm.counted" {
		t.Errorf("after the update: %s", got)
	}
}

// What a unit emitted is delivered if the unit is committed, to who was
// installed then and consented to it.
func TestWhoIsToldOfAnEvent(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	run := func() int {
		t.Helper()
		_, err := b.ask(d, b.owner, "POST", "/run")
		must(t, err)
		return len(b.due())
	}
	b.handle("mutation", emit("crm.counted", 1, nil))
	if n := run(); n != 0 { // a view is cached now
		t.Fatalf("%d deliveries to nobody", n)
	}
	in := b.installShop(b.ws)
	if n := run(); n != 1 {
		t.Fatalf("%d deliveries to who has just come", n)
	}
	b.handle("mutation", emit("crm.counted", 1, core.E("", core.Exists, "It is taken.")))
	if _, err := b.ask(d, b.owner, "POST", "/run"); err == nil || len(b.due()) != 0 {
		t.Fatalf("a failed call told of what it undid: %v", err)
	}
	b.handle("mutation", emit("crm.counted", 1, nil))
	must(t, b.db.Change(t.Context(), b.ws.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.RemoveInstallation{ID: in.ID, Plugin: in.Plugin}}, nil
	}))
	if n := run(); n != 0 || b.footprint(in.Plugin).Deliveries != 0 {
		t.Fatalf("%d deliveries to who has gone", n)
	}
	// A manifest alone subscribes to nothing.
	in = b.installShop(b.ws)
	must(t, b.db.Change(t.Context(), b.ws.ID, func(core.Access) ([]core.Change, error) {
		in.Grants, in.Revision = []core.Grant{{Capability: abi.CapabilityEvents}}, 2
		return []core.Change{core.PutInstallation{Installation: in}}, nil
	}))
	if n := run(); n != 0 {
		t.Fatalf("%d deliveries without consent", n)
	}
}

// TestAttack06_EventsStayInTheirWorkspace: two workspaces have the same plugins
// installed; what happens in one is delivered in it alone.
func TestAttack06_EventsStayInTheirWorkspace(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	other := core.Workspace{ID: core.NewWorkspaceID(), Slug: "beta", Name: "Beta", TimeZone: "UTC", Locale: "en", Plan: "starter", Created: noon}
	must(t, b.db.CreateWorkspace(t.Context(), other, b.owner.Account,
		core.Contract{ID: core.NewContractID(), Workspace: other.ID, Plan: "starter", Began: noon}, core.AuditEntry{Time: noon}))
	own := b.installShop(b.ws)
	b.installShop(other)
	_, err := d.Request(t.Context(), dispatch.Request{Workspace: other, Alias: "crm", Actor: b.owner, HTTP: abi.Request{Method: "GET", Path: "/run"}})
	wantError(t, err, core.NotFound) // its view is cached
	b.handle("mutation", emit("crm.counted", 3, nil))
	_, err = b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	deliveries := b.due()
	for _, dl := range deliveries {
		if dl.Workspace != b.ws.ID || dl.Install != own.ID {
			t.Errorf("delivered to %+v", dl)
		}
		// The same event, asked for from the other workspace, is none.
		if _, err := b.db.History().Event(t.Context(), other.ID, dl.Event); core.KindOf(err) != core.NotFound {
			t.Errorf("the other workspace reads the event: %v", err)
		}
		// Whoever could write a delivery of an event of another workspace gets nothing.
		foreign := dl
		foreign.Workspace = other.ID
		wantError(t, d.Deliver(t.Context(), foreign), core.NotFound)
	}
	if len(deliveries) != 3 {
		t.Fatalf("%d deliveries, want 3", len(deliveries))
	}
}

// TestAttack54_ALoopIsCut: two plugins that answer each other's events go round
// a few times. Then the last answer is refused, and with it its delivery fails.
func TestAttack54_ALoopIsCut(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	b.installShop(b.ws)
	b.update(func(in *core.Installation) {
		in.Grants = append(in.Grants, core.Grant{Capability: abi.CapabilityEvents, Events: []string{"shop.heard"}})
	})
	b.handle("mutation", emit("crm.counted", 1, nil))
	b.handle("heard", emit("shop.heard", 1, nil))
	b.handle("answered", emit("crm.counted", 1, nil))
	_, err := b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	var refused []error
	rounds := 0
	for deliveries := b.due(); len(deliveries) > 0; deliveries = b.due() {
		for _, dl := range deliveries {
			rounds++
			if err := d.Deliver(t.Context(), dl); err != nil {
				refused = append(refused, err)
				must(t, b.db.SetAsideDelivery(t.Context(), dl, core.MessageOf(err)))
			}
		}
		if rounds > 50 {
			t.Fatal("it does not end")
		}
	}
	if rounds != 8 || len(refused) != 1 {
		t.Fatalf("%d deliveries, refused %v", rounds, refused)
	}
	wantError(t, refused[0], core.Denied, "loop", "crm.counted")
	events, err := b.db.History().Events(t.Context(), b.ws.ID, "", "", 50)
	must(t, err)
	var hops []string
	for _, e := range events {
		hops = append(hops, fmt.Sprint(e.Hop))
	}
	if got := strings.Join(hops, " "); got != "7 6 5 4 3 2 1 0" {
		t.Errorf("hops: %s", got)
	}
}

// TestFault21_ListenersMissNothing: a listener that is off is told of everything
// once it is on.
func TestFault21_ListenersMissNothing(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	in := b.installShop(b.ws)
	b.handle("mutation", emit("crm.counted", 1, nil))
	b.handle("heard", insertNew)
	b.shopState(core.InstallationDisabled)
	for range 3 {
		_, err := b.ask(d, b.owner, "POST", "/run")
		must(t, err)
		for _, dl := range b.due() {
			must(t, d.Deliver(t.Context(), dl))
			if b.state(dl) != core.DeliveryHeld {
				t.Fatalf("it is %s", b.state(dl))
			}
		}
	}
	if b.footprint(in.Plugin).Documents != 0 {
		t.Fatal("a disabled plugin was told")
	}
	b.shopState(core.InstallationEnabled)
	for _, dl := range b.due() {
		must(t, d.Deliver(t.Context(), dl))
	}
	if n := b.footprint(in.Plugin).Documents; n != 3 {
		t.Fatalf("it was told of %d events, want 3", n)
	}
}

// TestAttack57_ADuplicateHasNoEffect: a delivery that is claimed a second time,
// while the first attempt goes on, happens once, in whatever order they end.
func TestAttack57_ADuplicateHasNoEffect(t *testing.T) {
	for _, lateFirst := range []bool{false, true} {
		b := newBench(t)
		d := b.dispatcher()
		in := b.installShop(b.ws)
		b.handle("mutation", emit("crm.counted", 1, nil))
		b.handle("heard", insertNew)
		_, err := b.ask(d, b.owner, "POST", "/run")
		must(t, err)
		first := b.claim() // its lease ends at once
		second := b.claim()
		attempts := []core.Delivery{first, second}
		if lateFirst {
			attempts = []core.Delivery{second, first}
		}
		for _, dl := range attempts {
			err := d.Deliver(t.Context(), dl)
			if dl.Attempt == 1 {
				wantError(t, err, core.Stale)
			} else {
				must(t, err)
			}
		}
		if n := b.footprint(in.Plugin).Documents; n != 1 {
			t.Errorf("%d effects", n)
		}
	}
}

// TestAttack57_AnyOrderOfAttempts: events are claimed again and again, as if every
// lease were over at once, and their attempts end in any order, each of them maybe
// twice. Each event has its effect once, and its answer is told of once.
func TestAttack57_AnyOrderOfAttempts(t *testing.T) {
	const told = 4
	b := newBench(t)
	in := b.installShop(b.ws)
	b.handle("mutation", emit("crm.counted", told, nil))
	b.handle("heard", func(ctx context.Context, i abi.Invocation, host *hostfuncs.Host) (any, error) {
		if _, err := insert(ctx, host, i.Event.ID+" "+i.ID); err != nil {
			return nil, err
		}
		return emit("shop.heard", 1, nil)(ctx, i, host)
	})
	rapid.Check(t, func(r *rapid.T) {
		before := b.footprint(in.Plugin)
		_, err := b.ask(b.dispatcher(), b.owner, "POST", "/run")
		must(t, err)
		var attempts []core.Delivery
		for range rapid.IntRange(told, 3*told).Draw(r, "claims") {
			now := time.Now()
			list, err := b.db.ClaimDeliveries(t.Context(), now, now, "", nil, 1, 1)
			must(t, err)
			attempts = append(attempts, list...)
		}
		done := map[core.DeliveryID]int{}
		for _, at := range rapid.SliceOfN(rapid.IntRange(0, len(attempts)-1), 0, 2*len(attempts)).Draw(r, "ends") {
			if err := b.dispatcher().Deliver(t.Context(), attempts[at]); err == nil {
				done[attempts[at].ID]++
			} else if core.KindOf(err) != core.Stale {
				r.Fatalf("%v, want stale", err)
			}
		}
		for _, dl := range b.due() { // what nobody has finished
			must(t, b.dispatcher().Deliver(t.Context(), dl))
			done[dl.ID]++
		}
		f := b.footprint(in.Plugin).Minus(before)
		if f.Documents != told || f.Events != told || len(done) != told {
			r.Fatalf("%d effects, %d answers, %d deliveries done, of %d", f.Documents, f.Events, len(done), told)
		}
		for id, n := range done {
			if n != 1 {
				r.Fatalf("%s was done %d times", id, n)
			}
		}
	})
}

// TestAttack56_FanOutIsBounded: a call that emits more than it and its listeners
// may be is refused as a whole.
func TestAttack56_FanOutIsBounded(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	b.installShop(b.ws)
	b.handle("mutation", emit("crm.counted", 2501, nil))
	_, err := b.ask(d, b.owner, "POST", "/run")
	wantError(t, err, core.TooLarge, "each listener of an event counts as one")
	b.handle("mutation", emit("crm.counted", 1, nil))
	_, err = b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	if n := b.footprint(b.in.Plugin).Events; n != 1 {
		t.Errorf("%d events", n)
	}
}

// Erasing what a plugin wrote takes the deliveries of its events along: nothing
// would be left to deliver.
func TestErasedEventsAreNotDelivered(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	b.installShop(b.ws)
	b.handle("mutation", emit("crm.counted", 2, nil))
	_, err := b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	must(t, b.db.Change(t.Context(), b.ws.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.RemoveInstallation{ID: b.in.ID, Plugin: b.in.Plugin, EraseTables: true}}, nil
	}))
	if deliveries := b.due(); len(deliveries) != 0 {
		t.Fatalf("deliveries: %+v", deliveries)
	}
}

// TestFault02_AKilledListenerIsToldAgain: the process ends when the listener has
// done all it does, just before it is committed. Another tells it again, and it
// has happened once; and what it emitted is told once.
func TestFault02_AKilledListenerIsToldAgain(t *testing.T) {
	b := newBench(t)
	in := b.installShop(b.ws)
	b.update(func(in *core.Installation) {
		in.Grants = append(in.Grants, core.Grant{Capability: abi.CapabilityEvents, Events: []string{"shop.heard"}})
	})
	b.handle("mutation", emit("crm.counted", 1, nil))
	killed := true
	b.handle("heard", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		_, err := insert(ctx, host, "heard")
		if err == nil {
			_, err = emit("shop.heard", 1, nil)(ctx, abi.Invocation{}, host)
		}
		if killed {
			killed = false
			panic("killed")
		}
		return "{}", err
	})
	_, err := b.ask(b.dispatcher(), b.owner, "POST", "/run")
	must(t, err)
	first := b.due()[0]
	func() {
		defer func() { _ = recover() }()
		t.Error("it was not killed:", b.dispatcher().Deliver(t.Context(), first))
	}()
	if f := b.footprint(in.Plugin); f.Documents != 0 || f.Events != 0 || b.state(first) != core.DeliveryRunning {
		t.Fatalf("it left %+v, and the delivery is %s", f, b.state(first))
	}
	must(t, b.db.RecoverDeliveries(t.Context(), time.Now(), 8)) // the next process
	again := b.due()
	if len(again) != 1 || again[0].ID != first.ID || again[0].Attempt != 2 {
		t.Fatalf("due: %+v", again)
	}
	must(t, b.dispatcher().Deliver(t.Context(), again[0]))
	if f := b.footprint(in.Plugin); f.Documents != 1 || f.Events != 1 || len(b.due()) != 1 {
		t.Fatalf("it left %+v", f)
	}
}
