package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
)

func newServe() *cobra.Command {
	var (
		cfg     app.Config
		signUp  = "closed"
		logging = "text"
	)
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Run a server",
		GroupID: "serve",
		Long: `Runs a server with everything it needs built in: its data is one folder, which
is made when it is missing, and which a second server is refused. The first
start prints a link that makes the first account, an operator's; it works once.
An interrupt ends the server after the requests under way.

Several servers, the nodes of one deployment, share a Postgres (--database-url),
the releases in one --registry, the files of plugins in one --blobs and the key
in one --secret-key-file. Each has a data folder of its own, which then holds
nothing that is missed when it is lost. The link for the first account is that of
the node which started last.

The credentials of an OCI registry are those of docker login, or
$CARREL_REGISTRY_USER and $CARREL_REGISTRY_PASSWORD. Those of a bucket are where
the tools of S3 find them: $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY, or a
profile.

Every flag is also read from an environment variable and from a JSON file named
with --config, such as {"addr": ":8080", "sign-up": "open"}. A flag goes before
the environment, the environment before the file.`,
		Example: `  carrel serve
  carrel serve --addr 0.0.0.0:8080 --data /var/lib/carrel --public-url https://carrel.example.com
  CARREL_DATABASE_URL=postgres://carrel@db.internal/carrel carrel serve --registry /mnt/shared/releases \
    --blobs 's3://carrel-blobs?region=eu-central-1' --secret-key-file /etc/carrel/secret.key
  CARREL_SIGN_UP=open carrel serve --log-format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkPublicURL(cfg.PublicURL); err != nil {
				return err
			}
			if cfg.OTLPEndpoint == "" {
				cfg.OTLPEndpoint = os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
			}
			cfg.SignUp = signUp == "open"
			notes := newLogLines(cmd.ErrOrStderr())
			cfg.Logger = newLogger(notes, logging)
			err := serve(cmd.Context(), cfg, cmd.OutOrStdout(), notes)
			if lost := notes.Flush(); err == nil {
				err = lost
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&cfg.Addr, "addr", "127.0.0.1:8080", "`host:port` to listen on; port 0 takes a free one")
	flags.StringVar(&cfg.DataDir, "data", defaultData, "`folder` of everything the server keeps for itself")
	flags.StringVar(&cfg.DatabaseURL, "database-url", "",
		"`URL` of a Postgres that several nodes share, instead of a file in the data\nfolder; safer in the environment, which others cannot see")
	flags.StringVar(&cfg.RedisURL, "redis-url", "",
		"`URL` of a Redis that nodes may share besides, such as rediss://user:password@host:6379;\nsafer in the environment, too")
	registryFlag(cmd, &cfg.Registry)
	blobsFlag(cmd, &cfg.Blobs)
	flags.StringVar(&cfg.PlansFile, "plans", "", "JSON `file` of the plans, instead of the built-in ones")
	flags.StringVar(&cfg.PublicURL, "public-url", "", "`URL` people reach the server at, when that is not http:// and --addr;\nthe same for all nodes")
	flags.StringVar(&cfg.SecretKeyFile, "secret-key-file", "",
		"`file` of the key that secret settings are sealed with, instead of\nsecret.key in the data folder")
	flags.BoolVar(&cfg.PrivateMail, "allow-private-mail", false,
		"let mail go to servers at private addresses and on any port,\nsuch as one of this machine")
	flags.StringVar(&cfg.MetricsAddr, "metrics-addr", "",
		"`host:port` that serves /metrics to Prometheus; they tell of all workspaces\ntogether, so keep it in your own network")
	flags.StringVar(&cfg.OTLPEndpoint, "otlp-endpoint", "",
		"`URL` of a receiver of OpenTelemetry's traces over HTTP, such as\nhttp://127.0.0.1:4318; else that of $OTEL_EXPORTER_OTLP_ENDPOINT")
	flags.DurationVar(&cfg.DrainDelay, "drain-delay", 0,
		"`time` to go on serving at the end while /readyz says no,\nso that a load balancer moves on first, such as 10s")
	flags.Var(oneOf{&signUp, []string{"open", "closed"}}, "sign-up", "whether people may make accounts of their own")
	flags.Var(oneOf{&logging, []string{"text", "json"}}, "log-format", "how the log is written, on standard error")
	flags.String("config", "", "JSON `file` of these settings")
	alsoFromEnvironment(cmd, "addr", "data", "database-url", "redis-url", "registry", "blobs", "plans", "public-url", "secret-key-file",
		"allow-private-mail", "metrics-addr", "otlp-endpoint", "drain-delay", "sign-up", "log-format", "config")
	return cmd
}

// checkPublicURL refuses what links cannot be made of: they are this and a path.
func checkPublicURL(text string) error {
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || text != u.Scheme+"://"+u.Host) {
		return usagef("--public-url %q must be a scheme and a host, such as https://carrel.example.com", text)
	}
	return nil
}

// heapFloor is memory that Go's collector counts and nobody touches, so that it
// takes no room. What a server keeps may be a few megabytes: it would collect
// many times a second, and each time wait for every guest to come to a stop, and have
// a processor to itself for 10 to 40 ms. So it collects when about as much was
// allocated as this: a second or two apart, on a busy machine with two processors.
const heapFloor = 256 << 20

// newHeapFloor is in small pieces, as Go clears, and so touches, a whole one when a
// part of it was in use before.
func newHeapFloor() [][]byte {
	pieces := make([][]byte, 64)
	for i := range pieces {
		pieces[i] = make([]byte, heapFloor/len(pieces))
	}
	return pieces
}

// threadsEach is how many threads Go may use for each processor. With one, the
// processors are always some goroutine's while the server has much to do, and Go looks
// only each 10 ms whether a request, or the database's answer, has arrived. With a
// thread to spare somebody waits for that, and the system lets who has waited go first.
const threadsEach = 2

// spareThreads gives Go threads to spare, for the processors there are now: a limit of
// the container that changes later is not followed any more. It returns how many processors
// there are, and how to take the threads back.
func spareThreads() (processors int, undo func()) {
	processors = runtime.GOMAXPROCS(0)
	if os.Getenv("GOMAXPROCS") != "" { // whoever sets it has decided
		return processors, func() {}
	}
	runtime.GOMAXPROCS(threadsEach * processors)
	return processors, runtime.SetDefaultGOMAXPROCS
}

// serve runs a server until ctx ends.
func serve(ctx context.Context, cfg app.Config, out, notes io.Writer) (err error) {
	processors, undo := spareThreads()
	defer undo()
	cfg.Processors = processors
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" { // whoever sets these has decided
		defer runtime.KeepAlive(newHeapFloor())
	}
	server, err := app.Start(ctx, cfg)
	if err != nil {
		return err
	}
	// ctx has ended by then; what is under way still may finish.
	defer func() { err = errors.Join(err, server.Close(context.WithoutCancel(ctx))) }()

	data := cfg.DataDir
	if cfg.DatabaseURL != "" { // which may hold a password
		data = "Postgres"
	}
	fmt.Fprintf(out, "Carrel serves %s, with its data in %s.\n", server.URL(), data)
	if metrics := server.MetricsURL(); metrics != "" {
		fmt.Fprintf(out, "Metrics are at %s.\n", metrics)
	}
	if link := server.SetupLink(); link != "" {
		fmt.Fprintf(out, "\nMake the first account with this link; it works once:\n\n  %s\n\n", link)
	} else {
		fmt.Fprintf(out, "Sign in at %s/console.\n", server.URL())
	}
	if err := server.Wait(ctx); err != nil {
		return err
	}
	fmt.Fprintln(notes, "Stopping: waiting for what is under way. Interrupt again to end at once.")
	return nil
}
