package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/hostfuncs"
)

func wantError(t *testing.T, err error, kind core.Kind, parts ...string) {
	t.Helper()
	if core.KindOf(err) != kind {
		t.Fatalf("%v, want %s", err, kind)
	}
	for _, part := range parts {
		if !strings.Contains(core.MessageOf(err), part) {
			t.Errorf("%q does not name %q", core.MessageOf(err), part)
		}
	}
}

func TestARequestRunsItsHandlerAndCommits(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher(func(c *dispatch.Config) { c.PublicURL = "https://carrel.example.com" })
	b.handle("mutation", func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (any, error) {
		if in.PublicURL != "https://carrel.example.com/w/acme/crm" || in.Trigger != abi.TriggerRequest || in.Request.Method != "POST" || in.Actor.Role != "owner" || in.Attempt != 1 || in.Now.IsZero() {
			t.Errorf("invocation: %+v", in)
		}
		if _, err := call[abi.IDResponse](ctx, host, abi.OpJobsSchedule, map[string]any{"handler": "bump"}); err != nil {
			return nil, err
		}
		return insert(ctx, host, "a")
	})
	b.handle("query", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		return call[page](ctx, host, abi.OpDataQuery, abi.QueryRequest{Table: "counters"})
	})
	answer, err := b.ask(d, b.owner, "POST", "/run")
	must(t, err)
	if answer.Response.Status != 200 || !strings.Contains(string(answer.Response.Body), `"name":"a"`) || answer.Replayed || b.woken.Load() != 1 {
		t.Fatalf("answer: %+v, woken %d", answer, b.woken.Load())
	}
	record := b.log.last()
	if record.ID != answer.Invocation || record.Outcome != core.OutcomeOK || record.Runs != 1 || record.Fuel != 10 || record.Handler != "mutation" || record.Install != b.in.ID {
		t.Fatalf("record: %+v", record)
	}
	answer, err = b.ask(d, b.owner, "GET", "/run")
	if err != nil || !strings.Contains(string(answer.Response.Body), `"name":"a"`) {
		t.Fatalf("the query answers %s, %v", answer.Response.Body, err)
	}
	b.handle("action", func(_ context.Context, in abi.Invocation, _ *hostfuncs.Host) (any, error) {
		return `{"status":202,"body":"` + in.Request.Params["id"] + `"}`, nil
	})
	answer, err = b.ask(d, b.owner, "PUT", "/run/7")
	if err != nil || answer.Response.Status != 202 || string(answer.Response.Body) != `"7"` {
		t.Fatalf("the action answers %+v, %v", answer, err)
	}
	b.handle("page", func(_ context.Context, in abi.Invocation, _ *hostfuncs.Host) (any, error) {
		return map[string]any{"type": "page", "title": in.Request.Params["id"] + in.Request.Query["tab"]}, nil
	})
	for path, title := range map[string]string{"/counters": "notes", "/counters/doc_1": "doc_1notes"} {
		tree, err := d.Page(t.Context(), b.ws, "crm", path, b.owner, map[string]string{"tab": "notes"})
		if err != nil || string(tree) != `{"title":"`+title+`","type":"page"}` {
			t.Fatalf("page %s: %s, %v", path, tree, err)
		}
	}
	_, err = d.Page(t.Context(), b.ws, "crm", "/nowhere", b.owner, nil)
	wantError(t, err, core.NotFound, "/nowhere")
}

// A call that fails leaves no row, event, job or bill, says what happened, is
// in the log, and the next one works.
func TestAFailedCallLeavesNothing(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher(func(c *dispatch.Config) { c.Request.Time = 300 * time.Millisecond })
	// It does all it can before it fails.
	spoil := func(end func(ctx context.Context) (any, error)) guest {
		return func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
			_, err1 := insert(ctx, host, "spoiled")
			_, err2 := call[abi.IDResponse](ctx, host, abi.OpEventsEmit, map[string]any{"type": "crm.counted", "version": 1, "data": map[string]any{}})
			_, err3 := call[abi.IDResponse](ctx, host, abi.OpJobsSchedule, map[string]any{"handler": "bump"})
			_, err4 := call[struct{}](ctx, host, abi.OpBillingRecord, abi.RecordRequest{Meter: "contacts", Quantity: 1})
			_, err5 := call[struct{}](ctx, host, abi.OpAccessGrant, abi.AccessGrantRequest{Role: "member", Scopes: []string{"crm.counters.write"}})
			if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
				t.Error(err)
			}
			return end(ctx)
		}
	}
	before, err := b.db.Access(t.Context(), b.ws.ID)
	must(t, err)
	for _, c := range []struct {
		name    string
		end     func(context.Context) (any, error)
		kind    core.Kind
		outcome core.Outcome
	}{
		{"refuses", func(context.Context) (any, error) { return nil, core.E("", core.Exists, "It is taken.") }, core.Exists, core.OutcomeGuestError},
		{"crashes", func(context.Context) (any, error) { return nil, trap{core.OutcomeTrap} }, core.Internal, core.OutcomeTrap},
		{"outgrows its memory", func(context.Context) (any, error) { return nil, trap{core.OutcomeMemoryExceeded} }, core.Internal, core.OutcomeMemoryExceeded},
		{"answers rubbish", func(context.Context) (any, error) { return `<html>`, nil }, core.Internal, core.OutcomeTrap},
		{"answers half", func(context.Context) (any, error) { return `{"body":`, nil }, core.Internal, core.OutcomeTrap},
		{"loops", func(ctx context.Context) (any, error) { <-ctx.Done(); return nil, trap{core.OutcomeTimeout} }, core.Timeout, core.OutcomeTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.handle("mutation", spoil(c.end))
			_, err := b.ask(d, b.owner, "POST", "/run")
			wantError(t, err, c.kind)
			if record := b.log.last(); record.Outcome != c.outcome || record.Error == "" || record.Runs != 1 {
				t.Errorf("record: %+v", record)
			}
			footprint, err := b.db.Footprint(t.Context(), b.ws.ID, b.in.Plugin)
			if err != nil || footprint != (core.Footprint{}) {
				t.Errorf("it left %+v, %v", footprint, err)
			}
			if after, err := b.db.Access(t.Context(), b.ws.ID); err != nil || after.Epoch != before.Epoch {
				t.Errorf("it changed who may do what: %v", err)
			}
			b.handle("mutation", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) { return "{}", nil })
			_, err = b.ask(d, b.owner, "POST", "/run")
			must(t, err)
		})
	}
	if b.woken.Load() != 0 {
		t.Error("the claimer was woken for nothing")
	}
}

func TestWhoMayAsk(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	for _, handler := range []string{"query", "mutation", "page"} {
		b.handle(handler, func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) { return "{}", nil })
	}
	admin, member := b.member(core.RoleAdmin), b.member(core.RoleMember)
	token := func(of core.Actor, scopes ...string) core.Actor {
		of.Type, of.Scopes = core.ActorToken, scopes
		return of
	}
	anonymous := core.Actor{Type: core.ActorAnonymous}
	promoted := member
	promoted.Role = core.RoleOwner // says the request; the workspace knows better
	stranger := core.Actor{Type: core.ActorMember, Account: b.account("stranger@example.com"), Role: core.RoleOwner}
	for _, c := range []struct {
		who          string
		actor        core.Actor
		method, path string
		kind         core.Kind // "" for allowed
		part         string
	}{
		{"owner", b.owner, "POST", "/write", "", ""},
		{"admin", admin, "POST", "/write", "", ""},
		{"member", member, "POST", "/write", core.Denied, "crm.counters.write"},
		{"member", member, "GET", "/run", "", ""},
		{"self-made owner", promoted, "POST", "/write", core.Denied, "crm.counters.write"},
		{"stranger", stranger, "GET", "/run", core.NotFound, "no such workspace"},
		{"stranger", stranger, "GET", "/public", core.NotFound, "no such workspace"},
		{"anonymous", anonymous, "GET", "/public", "", ""},
		{"anonymous", anonymous, "GET", "/run", core.Unauthenticated, "Sign in"},
		{"anonymous", anonymous, "POST", "/write", core.Unauthenticated, "Sign in"},
		{"nobody", core.Actor{}, "GET", "/public", core.Unauthenticated, "Sign in"},
		{"token", token(b.owner), "POST", "/write", "", ""},
		{"narrow token", token(b.owner, "crm.counters.read"), "POST", "/write", core.Denied, "token lacks the scope crm.counters.write"},
		{"narrow token", token(b.owner, "crm.*"), "POST", "/write", "", ""},
		{"narrow token of a member", token(member, "crm.*"), "POST", "/write", core.Denied, "crm.counters.write"},
		{"token of another plugin", token(b.owner, "shop.*"), "GET", "/run", core.Denied, "crm.*"},
		{"other installation", core.Actor{Type: core.ActorInstallation, Install: core.NewInstallationID()}, "POST", "/write", core.Denied, ""},

		{"owner", b.owner, "GET", "/nowhere", core.NotFound, "/nowhere"},
		{"owner", b.owner, "DELETE", "/run", core.Invalid, "GET, POST"},
	} {
		runs := b.runs.Load()
		_, err := b.ask(d, c.actor, c.method, c.path)
		if core.KindOf(err) != c.kind || !strings.Contains(core.MessageOf(err), c.part) {
			t.Errorf("%s, %s %s: %v; want %q %q", c.who, c.method, c.path, err, c.kind, c.part)
		}
		if ran := b.runs.Load() - runs; (ran == 1) != (c.kind == "") {
			t.Errorf("%s, %s %s: %d runs", c.who, c.method, c.path, ran)
		}
	}
	_, err := d.Page(t.Context(), b.ws, "crm", "/counters", member, nil)
	must(t, err)
	_, err = d.Page(t.Context(), b.ws, "crm", "/counters", anonymous, nil)
	wantError(t, err, core.Unauthenticated)
}

// What cannot be used says why and what to do, to those who belong here; others
// are told the same as of a plugin that was never installed.
func TestUnusablePlugins(t *testing.T) {
	b := newBench(t)
	b.handle("query", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) { return "{}", nil })
	d := b.dispatcher()
	anonymous := core.Actor{Type: core.ActorAnonymous}
	ask := func(actor core.Actor, alias string) error {
		_, err := d.Request(t.Context(), dispatch.Request{Workspace: b.ws, Alias: alias, Actor: actor, HTTP: abi.Request{Method: "GET", Path: "/public"}})
		return err
	}
	wantError(t, ask(b.owner, "shop"), core.NotFound, "shop")
	missing := strings.ReplaceAll(core.MessageOf(ask(anonymous, "shop")), "shop", "crm")

	b.update(func(in *core.Installation) { in.State = core.InstallationDisabled })
	wantError(t, ask(b.owner, "crm"), core.Denied, "disabled", "enable")
	wantError(t, ask(anonymous, "crm"), core.NotFound, missing)
	b.update(func(in *core.Installation) { in.State = core.InstallationEnabled })
	must(t, ask(anonymous, "crm"))

	must(t, b.db.Change(t.Context(), b.ws.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.PutContract{Contract: core.Contract{ID: core.NewContractID(), Workspace: b.ws.ID, Plan: "empty", Began: noon}}}, nil
	}))
	wantError(t, ask(b.owner, "crm"), core.Denied, "Empty", "crm", "Starter and Professional", "owner or admin")
	wantError(t, ask(anonymous, "crm"), core.NotFound, missing)
}

// A cached view neither serves nor refuses anybody once it is out of date: it
// is found out by the unit, whatever was cached.
func TestAStaleViewAuthorisesNobody(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	member := b.member(core.RoleMember)
	started, goOn := make(chan struct{}, 1), make(chan struct{})
	parked := func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		answer, err := insert(ctx, host, fmt.Sprint("parked ", core.NewDocumentID()))
		select {
		case started <- struct{}{}:
			<-goOn
		default: // a re-run
		}
		return answer, err
	}
	b.handle("mutation", parked)
	b.handle("action", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) { return "{}", nil })
	_, err := b.ask(d, b.owner, "PUT", "/run/1") // the view is cached now
	must(t, err)

	// While a mutation is in progress, the member is removed.
	result := make(chan error, 1)
	go func() { _, err := b.ask(d, member, "POST", "/run"); result <- err }()
	<-started
	must(t, b.db.Change(t.Context(), b.ws.ID, func(core.Access) ([]core.Change, error) {
		return []core.Change{core.RemoveMember{Account: member.Account}}, nil
	}))
	close(goOn)
	wantError(t, <-result, core.NotFound)
	if got := b.counters(); len(got) != 0 {
		t.Fatalf("a removed member wrote %v", got)
	}

	// While nothing is, the plugin is disabled, and no run even begins.
	for _, method := range []string{"POST", "PUT"} {
		_, err := b.ask(d, b.owner, "PUT", "/run/1") // cached, enabled
		must(t, err)
		b.update(func(in *core.Installation) { in.State = core.InstallationDisabled })
		_, err = b.ask(d, b.owner, method, map[string]string{"POST": "/run", "PUT": "/run/1"}[method])
		wantError(t, err, core.Denied, "disabled")
		runs := b.runs.Load()
		b.update(func(in *core.Installation) { in.State = core.InstallationEnabled })
		_, err = b.ask(d, b.owner, "PUT", "/run/1") // cached, disabled
		must(t, err)
		if b.runs.Load() != runs+1 {
			t.Fatal("a cached refusal was given although the plugin is enabled")
		}
	}
	if got := b.counters(); len(got) != 0 {
		t.Fatalf("a disabled plugin wrote %v", got)
	}
}

// A workspace that has all its calls in progress waits, and is told when its
// time is up; others are served.
func TestTheShareOfAWorkspace(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher(func(c *dispatch.Config) { c.PerWorkspace, c.Request.Time = 1, 200*time.Millisecond })
	started, goOn := make(chan struct{}), make(chan struct{})
	b.handle("query", func(context.Context, abi.Invocation, *hostfuncs.Host) (any, error) {
		started <- struct{}{}
		<-goOn
		return "{}", nil
	})
	first := make(chan error, 1)
	go func() { _, err := b.ask(d, b.owner, "GET", "/run"); first <- err }()
	<-started
	_, err := b.ask(d, b.owner, "GET", "/run")
	wantError(t, err, core.RateLimited)
	if runs := b.runs.Load(); runs != 1 {
		t.Fatalf("%d runs", runs)
	}
	close(goOn)
	must(t, <-first)
	go func() { <-started }()
	_, err = b.ask(d, b.owner, "GET", "/run")
	must(t, err)
}

// An action changes data only by running mutations, each of which is committed
// on its own, whatever becomes of the action.
func TestAnActionMutates(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher(func(c *dispatch.Config) { c.PerWorkspace = 1 }) // the mutation needs no place of its own
	b.handle("bump", func(ctx context.Context, in abi.Invocation, host *hostfuncs.Host) (any, error) {
		if in.Kind != abi.KindMutation || in.Request != nil || string(in.Payload) != `{"name":"a"}` || in.Actor.Role != "owner" {
			t.Errorf("invocation: %+v", in)
		}
		_, nested := call[any](ctx, host, abi.OpMutate, map[string]any{"handler": "bump"})
		wantError(t, nested, core.Denied)
		return insert(ctx, host, "a")
	})
	b.handle("action", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		_, direct := insert(ctx, host, "direct")
		wantError(t, direct, core.Denied)
		got, err := call[counter](ctx, host, abi.OpMutate, map[string]any{"handler": "bump", "payload": map[string]any{"name": "a"}})
		if err != nil || got.Name != "a" {
			t.Errorf("mutate answers %+v, %v", got, err)
		}
		_, again := call[counter](ctx, host, abi.OpMutate, map[string]any{"handler": "bump", "payload": map[string]any{"name": "a"}})
		wantError(t, again, core.Exists)
		return nil, trap{core.OutcomeTrap}
	})
	_, err := b.ask(d, b.owner, "PUT", "/run/1")
	wantError(t, err, core.Internal)
	if got := b.counters(); !maps.Equal(got, map[string]int{"a": 0}) {
		t.Fatalf("stored: %v", got)
	}
	var outcomes []string
	for _, record := range b.log.all() {
		outcomes = append(outcomes, record.Handler+" "+string(record.Outcome))
	}
	if got, want := strings.Join(outcomes, ", "), "bump ok, bump guest_error, action trap"; got != want {
		t.Errorf("the log: %s; want %s", got, want)
	}
}

// TestAttack45_AGetChangesNothing: an action may answer a GET with bytes, but a
// link or an image on another site could ask for it with a member's cookies, so
// it may not change data then. By POST, which they can't send, it may.
func TestAttack45_AGetChangesNothing(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	b.handle("bump", insertNew)
	b.handle("export", func(ctx context.Context, _ abi.Invocation, host *hostfuncs.Host) (any, error) {
		if _, err := call[counter](ctx, host, abi.OpMutate, map[string]any{"handler": "bump"}); err != nil {
			return nil, err
		}
		return `{"raw":"YQ=="}`, nil
	})
	_, err := b.ask(d, b.owner, "GET", "/export")
	wantError(t, err, core.Denied, "Make its route a POST")
	if got := b.counters(); len(got) != 0 {
		t.Fatalf("a GET stored %v", got)
	}
	answer, err := b.ask(d, b.owner, "POST", "/export")
	if err != nil || string(answer.Response.Raw) != "a" || len(b.counters()) != 1 {
		t.Fatalf("the POST answers %+v, %v", answer.Response, err)
	}
}

// A handler and whoever reads its log are told the same of a request: bodies
// that two decoders read differently are refused before it is run.
func TestABodyHasOneReading(t *testing.T) {
	b := newBench(t)
	d := b.dispatcher()
	var got string
	b.handle("mutation", func(_ context.Context, in abi.Invocation, _ *hostfuncs.Host) (any, error) {
		got = string(in.Request.Body)
		return "{}", nil
	})
	post := func(body string) error {
		_, err := d.Request(t.Context(), dispatch.Request{
			Workspace: b.ws, Alias: "crm", Actor: b.owner, HTTP: abi.Request{Method: "POST", Path: "/run", Raw: []byte(body)},
		})
		return err
	}
	for body, at := range map[string]string{
		`{"price": 1, "price": 100}`:         "body.price",
		`{"lines": [{"n": 1, "\u006e": 2}]}`: "body.lines[0].n",
		`{"name": "\ud800"}`:                 "body.name",
		`"\ud800"`:                           "body",
		"{\"name\": \"\xff\"}":               "body",
	} {
		err := post(body)
		if v := core.ViolationsOf(err); core.KindOf(err) != core.Invalid || len(v) != 1 || v[0].Location != at {
			t.Errorf("%s: %v, want a fault at %s", body, err, at)
		}
	}
	if b.runs.Load() != 0 {
		t.Fatalf("%d runs", b.runs.Load())
	}
	const passes = `{"price": 1, "Price": 2, "name": "\ud83d\ude00\u0000"}`
	if err := post(passes); err != nil || got != passes {
		t.Errorf("it got %s, %v", got, err)
	}
}
