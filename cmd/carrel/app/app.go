package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"syscall"
	"time"

	"github.com/carrel-dev/carrel/adapters/jsonschema"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/core/billing"
	"github.com/carrel-dev/carrel/core/dispatch"
	"github.com/carrel-dev/carrel/core/events"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/hostfuncs"
	"github.com/carrel-dev/carrel/runtime"
	"github.com/carrel-dev/carrel/store"
	"github.com/carrel-dev/carrel/web"
	"github.com/carrel-dev/carrel/web/api"
	"github.com/carrel-dev/carrel/web/console"
	"github.com/carrel-dev/carrel/web/gateway"
	"github.com/carrel-dev/carrel/web/session"
)

// Version of the server.
const Version = "0.1.0"

// drain is how long Close lets requests and deliveries under way finish.
const drain = 20 * time.Second

// Config is what an operator says about a server.
type Config struct {
	Addr    string // host:port to listen on; port 0 chooses one
	DataDir string // everything the server keeps for itself; made when it is missing
	// DatabaseURL is a Postgres that several nodes share, postgres://…; empty: a
	// file in the data folder.
	DatabaseURL string
	RedisURL    string // of what several nodes may share besides, redis://… or rediss://…; empty: nothing
	PlansFile   string // empty: the built-in plans
	SignUp      bool   // people may make accounts of their own
	PublicURL   string // where people reach the server; empty: http:// and the address
	Registry    Releases
	Blobs       string // a folder, or s3://bucket?…; empty: blobs in the data folder

	SecretKeyFile string // of what secrets are sealed with; empty: secret.key in the data folder, made when it is missing
	PrivateMail   bool   // mail may go to servers at private addresses, and on any port

	// DrainDelay is how long Close goes on serving while /readyz says no, so that
	// a load balancer sends what is new elsewhere.
	DrainDelay time.Duration

	// MetricsAddr is the host:port where metrics are served, for the operator's own
	// network; empty: nothing is counted. OTLPEndpoint is the URL of a receiver of
	// traces, OpenTelemetry's over HTTP; empty: nothing is traced.
	MetricsAddr  string
	OTLPEndpoint string

	// Processors is how many there are for calls to compute on; 0: as many as Go has
	// threads for.
	Processors int

	Logger *slog.Logger
}

// App is a running server.
type App struct {
	listener net.Listener
	setup    string
	server   *web.Server
	public   string
	served   chan error
	delay    time.Duration
	metrics  net.Addr                      // nil: they are not served
	closers  []func(context.Context) error // in the order of opening
}

// Start opens the data folder and serves until Close. What it opened is closed
// again when it fails.
func Start(ctx context.Context, cfg Config) (_ *App, err error) {
	a := &App{served: make(chan error, 1), delay: cfg.DrainDelay}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.release(ctx))
		}
	}()
	watch, err := a.startWatch(ctx, cfg)
	if err != nil {
		return nil, err
	}
	plans := billing.DefaultPlans()
	if cfg.PlansFile != "" {
		if plans, err = billing.LoadPlans(cfg.PlansFile); err != nil {
			return nil, err
		}
	}
	db, past, err := openDatabase(ctx, cfg.DatabaseURL, cfg.DataDir)
	if err != nil {
		return nil, err
	}
	a.closing(func(context.Context) error { return db.Close() })
	// Now, as plugins are told the address; requests wait until all is there.
	if err := a.listen(cfg); err != nil {
		return nil, err
	}

	keys, err := openKeys(ctx, cfg, db)
	if err != nil {
		return nil, err
	}
	others, err := openPeers(cfg, keys)
	if err != nil {
		return nil, err
	}
	a.closing(others.close)

	engine, err := runtime.New(ctx, runtime.Config{CacheDir: filepath.Join(cfg.DataDir, "cache"), Logger: cfg.Logger})
	if err != nil {
		return nil, err
	}
	a.closing(engine.Close)

	reg, err := cfg.Registry.Open(ctx, cfg.DataDir, engine, cfg.Logger)
	if err != nil {
		return nil, err
	}
	a.closing(func(context.Context) error { return reg.Close() })
	if cfg.DatabaseURL != "" && cfg.Registry.Where == "" {
		cfg.Logger.Warn("other nodes on this database don't have the releases in this one's data folder: name a registry they share with --registry")
	}

	bucket, err := openBucket(ctx, cfg.Blobs, cfg.DataDir)
	if err != nil {
		return nil, err
	}
	a.closing(func(context.Context) error { return bucket.Close() })
	if cfg.DatabaseURL != "" && cfg.Blobs == "" {
		cfg.Logger.Warn("other nodes on this database don't have the blobs in this one's data folder: name a bucket they share with --blobs")
	}
	kept := &blobs{bucket, db, cfg.Logger}

	accounts, err := account.New(ctx, account.Config{Store: db, SignUp: cfg.SignUp, Counter: others.signIns(), Now: db.Now})
	if err != nil {
		return nil, err
	}
	shared := others.platform(db)
	workspaces := workspace.New(workspace.Config{Store: shared, Plans: plans, Home: "local", Now: db.Now, Objects: kept})
	invocations := store.NewInvocationLog(db, cfg.Logger)
	a.closing(func(context.Context) error { invocations.Close(); return nil })

	documents := store.New(others.backend(watch.backend(db.Documents()))).KeepBlobsIn(kept)
	vault := workspace.NewVault(keys)
	var claimer *events.Claimer
	wake := func() { claimer.Wake(); others.due() }
	dispatcher := dispatch.New(dispatch.Config{
		Views:  views{access: db, plans: plans, releases: reg},
		Units:  units{documents},
		Events: past,
		Runner: &runner{
			engine: engine, modules: reg, fetch: hostfuncs.NewOutbound(false), post: newPost(cfg, a.public, keys, others.mails()),
			secrets: vault, schemas: &jsonschema.Events{}, watch: watch, log: cfg.Logger,
		},
		Records: invocations, Observer: watch.ofCalls(),
		Wake:   wake,
		Plans:  plans.List(),
		Now:    db.Now,
		Logger: cfg.Logger,

		PublicURL:  a.public,
		Processors: cfg.Processors,
	})
	claimer = events.New(events.Config{Store: db, Deliver: dispatcher.Deliver, SetAside: dispatcher.SetAside, Waiting: dispatcher.Waiting,
		Now: db.Now, Observer: watch.ofAttempts(), Logger: cfg.Logger})
	installations := workspace.NewInstallations(workspace.InstallationsConfig{
		Store: shared, Plans: plans, Catalog: reg, Schemas: jsonschema.Checker{}, Hooks: hooks{dispatcher},
		Documents: browser{documents}, Vault: vault, Objects: kept, Now: db.Now,
	})
	if err := sealSecrets(ctx, db, keys, installations, cfg.Logger); err != nil {
		return nil, err
	}
	bills := billing.New(billing.Config{Store: shared, Plans: plans, Now: db.Now})

	guard := session.NewGuard(accounts, secure(a.public))
	history := history{past, wake, db.Now}
	a.server = web.New(web.Config{
		Guard: guard,
		API: api.Config{
			Version: Version, Accounts: accounts, Workspaces: workspaces, Installations: installations,
			Billing: bills, Plans: plans, Registry: reg, History: history,
		},
		Gateway: gateway.Config{Workspaces: workspaces, Dispatcher: dispatcher},
		Console: console.New(console.Config{
			Guard: guard, Accounts: accounts, Workspaces: workspaces, Installations: installations,
			Billing: bills, Plans: plans, Registry: reg, Dispatcher: dispatcher, History: history, SignUp: cfg.SignUp,
		}),
		Ready:  []web.Part{{Name: "database", Ready: db.Ping}, {Name: "registry", Ready: reg.Ready}},
		Logger: cfg.Logger,
		Secure: secure(a.public),

		Observer: watch.ofRequests(),
	})
	watch.parts(db, invocations, engine)
	watch.peers(others)
	if token, first, err := accounts.SetupToken(ctx); err != nil {
		return nil, err
	} else if first {
		// In the fragment, which no browser sends and no server logs.
		a.setup = a.public + console.Prefix + "/setup#" + token
	}
	if err := beginSchedules(ctx, db, reg, dispatcher, cfg.Logger); err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { defer close(done); claimer.Run(background) }()
	others.listen(claimer, dispatcher)
	swept := make(chan struct{})
	go func() { defer close(swept); kept.keep(background) }()
	ready := make(chan struct{})
	go func() {
		defer close(ready)
		if err := warm(background, db, engine, reg); err != nil {
			cfg.Logger.Warn("installed modules are made ready by their first calls", "error", err)
		}
	}()
	a.closing(func(ctx context.Context) error {
		stop()
		select {
		case <-done:
			<-ready
			<-swept
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	go func() { a.served <- a.server.Serve(a.listener) }()
	a.closing(a.server.Shutdown)
	return a, nil
}

// listen takes the server's address, and finds out where people reach it.
func (a *App) listen(cfg Config) (err error) {
	if a.listener, err = listen("--addr", cfg.Addr); err != nil {
		return err
	}
	a.closing(func(context.Context) error {
		if err := a.listener.Close(); !errors.Is(err, net.ErrClosed) { // the server closes it, if it came to be
			return err
		}
		return nil
	})
	if a.public = cfg.PublicURL; a.public == "" {
		a.public = "http://" + a.listener.Addr().String()
	}
	return nil
}

// listen takes an address that a flag names.
func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	advice := "Write " + flag + " as host:port, such as 127.0.0.1:8080, with a host of this machine."
	if errors.Is(err, syscall.EADDRINUSE) {
		advice = "Another server is there: stop it, or choose another port with " + flag + "."
	}
	return nil, &core.Error{Op: "app.Start", Kind: core.Unavailable, Err: err,
		Msg: "The address " + addr + " can't be listened on. " + advice}
}

// URL is where people reach the server.
func (a *App) URL() string { return a.public }

// Addr is the address the server listens on.
func (a *App) Addr() string { return a.listener.Addr().String() }

// MetricsURL is where metrics are read; "" when they are not served.
func (a *App) MetricsURL() string {
	if a.metrics == nil {
		return ""
	}
	return "http://" + a.metrics.String() + "/metrics"
}

// SetupLink is the one-time link for the first account; "" once there is one.
func (a *App) SetupLink() string { return a.setup }

// Routes lists the addresses of the server.
func (a *App) Routes() []web.Route { return a.server.Routes() }

// Wait blocks until ctx ends or the server fails.
func (a *App) Wait(ctx context.Context) error {
	select {
	case err := <-a.served:
		return core.Wrap("app.Wait", core.Unavailable, err)
	case <-ctx.Done():
		return nil
	}
}

// Close says that the server is not ready any more and goes on for the
// configured delay. Then it takes no more requests, lets what is under way
// finish for up to 20 s, and closes everything, last opened first. It waits for
// nothing once ctx ends.
func (a *App) Close(ctx context.Context) error {
	a.server.Drain()
	timer := time.NewTimer(a.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	return a.release(ctx)
}

func (a *App) closing(close func(context.Context) error) { a.closers = append(a.closers, close) }

func (a *App) release(ctx context.Context) error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i](ctx))
	}
	a.closers = nil
	return errors.Join(errs...)
}

func secure(url string) bool { return len(url) > 8 && url[:8] == "https://" }
