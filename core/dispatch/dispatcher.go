package dispatch

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"math"
	goruntime "runtime"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// View is what authorises in a workspace, as it was at one moment: the epoch of
// Access.
type View struct {
	Access    core.Access
	Plan      core.Plan
	Manifests map[core.Digest]*abi.Manifest // of every installation's release
}

// Views loads the view of a workspace: one consistent snapshot. The dispatcher
// caches it until a unit finds its epoch passed.
type Views interface {
	View(ctx context.Context, ws core.WorkspaceID) (View, error)
}

// Scope is what a unit of work may touch.
type Scope struct {
	Plugin       core.PluginID
	Installation core.InstallationID
	Tables       []abi.Table
	ReadOnly     bool
	Now          time.Time
	AuthEpoch    int64 // the unit is Changed when the workspace's epoch is another
	AssumeFree   bool  // the unit doesn't ask whether a unique key is free; it is Changed when one is taken
}

// Units begins units of work.
type Units interface {
	Begin(ws core.WorkspaceID, scope Scope) Unit
}

// Unit is the part of a unit of work that dispatching uses. The Runner's host
// functions use the rest of it.
type Unit interface {
	// Receipt reads what an idempotent request was answered.
	Receipt(ctx context.Context, scope, key string) (core.Receipt, bool, error)
	// Add writes a platform row with the unit.
	Add(core.Change)
	// Emitted returns the events the unit adds.
	Emitted() []core.Event
	// Validate fails with Changed unless everything read is still true.
	Validate(ctx context.Context) error
	// Commit validates and applies, and reports whether deliveries became due.
	Commit(ctx context.Context) (deliveries bool, err error)
	// ConflictKey names what a Changed collided on; "" when it is unknown.
	ConflictKey() string
	// Assumed reports whether a Changed is about what the unit had only assumed:
	// one that doesn't assume it will not meet it again.
	Assumed() bool
}

// Runner runs a handler once, in a fresh instance. It gives the guest only what
// the Call holds, and stops it at the Call's limits or the end of ctx.
type Runner interface {
	Run(ctx context.Context, call Call) Result
}

// Call is one run of a handler.
type Call struct {
	Workspace    core.Workspace
	Installation core.Installation // with the digest of the module
	Manifest     *abi.Manifest
	Plan         core.Plan
	Actor        core.Actor
	Handler      string
	Kind         abi.Kind
	Trigger      abi.Trigger
	Invocation   core.InvocationID
	Hop          int
	Now          time.Time
	Seed         [32]byte
	Input        []byte // an abi.Invocation
	Limits       Limits

	// Yield lets others compute whose turn it is, and returns when it is this call's
	// again, or ctx ends. The Runner calls it now and then while the guest computes;
	// nil: nobody waits.
	Yield func(ctx context.Context)

	Unit   Unit // as Units made it; nil for an action
	Grant  func(role core.Role, scopes []string)
	Mutate func(ctx context.Context, handler string, payload json.RawMessage) (json.RawMessage, error) // actions only
}

// Limits bound one run.
type Limits struct {
	Time   time.Duration
	Memory int64 // bytes
	Output int64 // bytes
	Fuel   int64 // units
}

// Result is how a run ended. Err is set unless Outcome is ok, with a message
// for the workspace's eyes.
type Result struct {
	Output   []byte // an abi.Response
	Outcome  core.Outcome
	Fuel     int64 // units used, whatever the outcome
	Duration time.Duration
	Log      []core.LogLine // as many lines as are kept
	Err      error
}

// Events finds the event of a delivery; NotFound when it was erased.
type Events interface {
	Event(ctx context.Context, ws core.WorkspaceID, id core.EventID) (core.Event, error)
}

// Records takes the log of invocations. Record doesn't wait for the disk.
type Records interface {
	Record(core.InvocationRecord)
}

// Config is what a Dispatcher is made of. Views, Units, Events, Runner and
// Records are required.
type Config struct {
	Views   Views
	Units   Units
	Events  Events
	Runner  Runner
	Records Records

	Observer Observer // nil: nobody is told

	Wake   func()      // called after a commit that made deliveries due
	Plans  []core.Plan // to name the plans that include a plugin
	Logger *slog.Logger
	Now    func() time.Time

	// PublicURL is where people reach the server: https://host. Handlers are told
	// the address of their own installation below it.
	PublicURL string

	// Request bounds an invocation that somebody waits for, Background one that
	// nobody does. Zero values: 10 s (background 20 s), 64 MiB, 8 MiB, and
	// 20,000,000,000 units of fuel.
	Request    Limits
	Background Limits
	// PerWorkspace is how many requests of one workspace run at a time, and how many of
	// its events and jobs; 0 is 16. Of requests maxQueue times as many may wait, and others
	// are refused at once.
	PerWorkspace int
	// Processors is how many there are to compute on; 0 is as many as Go has threads for.
	Processors int
}

// Dispatcher runs the handlers of plugins. It is safe for concurrent use.
type Dispatcher struct {
	views      *viewCache
	units      Units
	events     Events
	runner     Runner
	records    Records
	observer   Observer
	wake       func()
	plans      []core.Plan
	logger     *slog.Logger
	now        func() time.Time
	publicURL  string
	request    Limits
	background Limits
	slots      *gates[slot]                // invocations in progress, by workspace
	crowd      int                         // invocations of a workspace, in progress or waiting, that let no request join
	crowds     *gates[core.WorkspaceID]    // requests in progress or waiting for anything, by workspace; nobody waits here
	turns      *gates[turn]                // those that wait for one another, by what for
	commits    *gates[core.InstallationID] // commits in progress, by installation
	processors *processors                 // before calls that compute
	headroom   *headroom                   // before a run, for who wants far more than others
}

// slot is what an invocation in progress has: of its workspace's requests, which many
// may wait for, or of all else.
type slot struct {
	workspace core.WorkspaceID
	request   bool
}

// defaultFuel is what a call may use where nobody sets less: many seconds of work.
const defaultFuel = 20_000_000_000

// New makes a Dispatcher.
func New(c Config) *Dispatcher {
	d := &Dispatcher{
		views:      newViewCache(c.Views),
		units:      c.Units,
		events:     c.Events,
		runner:     c.Runner,
		records:    c.Records,
		observer:   c.Observer,
		wake:       c.Wake,
		plans:      c.Plans,
		logger:     c.Logger,
		now:        c.Now,
		publicURL:  c.PublicURL,
		request:    c.Request.or(Limits{Time: 10 * time.Second, Memory: 64 << 20, Output: 8 << 20, Fuel: defaultFuel}),
		background: c.Background.or(Limits{Time: 20 * time.Second, Memory: 64 << 20, Output: 8 << 20, Fuel: defaultFuel}),
		turns:      newGates[turn](1, "turn", c.Observer),
		commits:    newGates[core.InstallationID](1<<20, "commit", c.Observer),
		processors: newProcessors(cmp.Or(c.Processors, goruntime.GOMAXPROCS(0))),
	}
	if d.wake == nil {
		d.wake = func() {}
	}
	if d.logger == nil {
		d.logger = slog.New(slog.DiscardHandler)
	}
	if d.now == nil {
		d.now = time.Now
	}
	if c.PerWorkspace == 0 {
		c.PerWorkspace = 16
	}
	d.headroom = newHeadroom(cmp.Or(c.Processors, goruntime.GOMAXPROCS(0)), c.PerWorkspace, c.Observer)
	d.crowds = newGates[core.WorkspaceID](math.MaxInt32, "workspace", c.Observer)
	d.slots = newGates[slot](c.PerWorkspace, "workspace", c.Observer)
	d.crowd = c.PerWorkspace * (1 + maxQueue)
	return d
}

// Forget drops what is cached of a workspace. Correctness doesn't need it, as
// every unit checks its epoch; it saves the next invocation a run.
func (d *Dispatcher) Forget(ws core.WorkspaceID) { d.views.drop(ws) }

// ForgetAll is Forget of every workspace.
func (d *Dispatcher) ForgetAll() { d.views.dropAll() }

// or fills the limits that are zero.
func (l Limits) or(defaults Limits) Limits {
	if l.Time == 0 {
		l.Time = defaults.Time
	}
	if l.Memory == 0 {
		l.Memory = defaults.Memory
	}
	if l.Output == 0 {
		l.Output = defaults.Output
	}
	if l.Fuel == 0 {
		l.Fuel = defaults.Fuel
	}
	return l
}

// within lowers the limits to those of a plan, or to what a manifest asks for.
func (l Limits) within(m abi.Limits) Limits {
	if m.TimeMS > 0 {
		l.Time = min(l.Time, time.Duration(m.TimeMS)*time.Millisecond)
	}
	if m.Memory > 0 {
		l.Memory = min(l.Memory, m.Memory)
	}
	if m.Fuel > 0 {
		l.Fuel = min(l.Fuel, m.Fuel)
	}
	return l
}
