package rules

// Row says what the packages of one pattern may import besides the standard
// library.
type Row struct {
	// Package is a folder relative to the module's root. One element may be
	// "*"; a last element "..." stands for any folders below.
	Package string
	// Module lists the packages of this module it may import, as patterns of
	// the same form. "./..." are its own subfolders.
	Module []string
	// Other lists the modules of others it may import, as path prefixes.
	Other []string
	// Tests lists what its test files may import on top, of either sort.
	// Tests join real parts, so they reach further than the package does.
	Tests []string
	// Why is the reason, for whoever wants to change the row.
	Why string
}

// anything is for the few places that see the whole house.
var anything = []string{"..."}

// Table is the plan of the house: who may know whom. A consumer declares the
// small interface it needs, and cmd/carrel/app plugs the real thing in, which
// is why so few rows name another part.
var Table = []Row{
	// The vocabulary.
	{Package: "core/abi",
		Why: "host and guests both compile it, and a guest's size is its author's problem"},
	{Package: "core",
		Module: []string{"core/abi"},
		Other:  []string{"github.com/google/uuid", "github.com/robfig/cron/v3"},
		Why:    "words and rules only; cron is used to read an expression, not to run anything"},

	// The services every server stands on. Their tests use the real store.
	{Package: "core/account",
		Module: []string{"core"},
		Other:  []string{"golang.org/x/crypto/argon2"},
		Tests:  []string{"store/...", "adapters/redis/...", "pgregory.net/rapid"},
		Why:    "people and their credentials"},
	{Package: "core/workspace",
		Module: []string{"core", "core/abi"},
		Tests:  []string{"store/...", "adapters/jsonschema", "adapters/secret", "pgregory.net/rapid"},
		Why:    "tenants, members, installations"},
	{Package: "core/billing",
		Module: []string{"core", "core/abi"},
		Tests:  []string{"store/...", "pgregory.net/rapid"},
		Why:    "plans, contracts, usage"},
	{Package: "core/events",
		Module: []string{"core", "core/abi"},
		Tests:  []string{"store/...", "pgregory.net/rapid"},
		Why:    "claims and retries deliveries; running one is somebody else's business"},
	{Package: "core/dispatch",
		Module: []string{"core", "core/abi"},
		Other:  []string{"golang.org/x/sync"},
		Tests:  []string{"hostfuncs", "store/...", "pgregory.net/rapid"},
		Why:    "the one way to run a plugin; it sees store, engine and host functions through interfaces it declares"},

	// The sandbox and its door.
	{Package: "runtime/wasm",
		Why: "the binary format, readable on its own"},
	{Package: "runtime",
		Module: []string{"core", "core/abi", "./..."},
		Other:  []string{"github.com/tetratelabs/wazero", "golang.org/x/sync", "golang.org/x/sys"},
		Tests:  []string{"github.com/extism/go-pdk"},
		Why:    "the only package that knows the engine; it knows neither workspaces nor documents"},
	{Package: "runtime/spectest",
		Tests: []string{"runtime/wasm", "github.com/tetratelabs/wazero"},
		Why:   "the specification's suite on the weaver and wazero alone"},
	{Package: "hostfuncs",
		Module: []string{"core", "core/abi"},
		Other:  []string{"code.dny.dev/ssrf"},
		Tests:  []string{"store/...", "adapters/jsonschema", "adapters/smtp/...", "adapters/redis/...", "adapters/blob/...", "pgregory.net/rapid"},
		Why:    "bytes in, bytes out: a capability can be tested without an engine; addresses are checked when http.fetch dials"},

	// Data.
	{Package: "store",
		Module: []string{"core", "core/abi", "store/schema"},
		Tests:  []string{"store/...", "pgregory.net/rapid"},
		Why:    "the document engine and the unit of work; a backend is an interface here"},
	{Package: "store/schema",
		Module: []string{"core", "core/abi"},
		Tests:  []string{"pgregory.net/rapid"},
		Why:    "declared tables, valid documents and order-preserving keys: pure functions"},
	{Package: "store/archive",
		Module: []string{"core"},
		Other:  []string{"github.com/klauspost/compress"},
		Tests:  []string{"core/abi", "store/...", "pgregory.net/rapid"},
		Why:    "a backup's file and what is done with it; both databases are interfaces here"},
	{Package: "store/sqlite",
		Module: []string{"core", "core/abi", "store", "store/archive"},
		Other:  []string{"modernc.org/sqlite", "github.com/pressly/goose/v3"},
		Tests:  []string{"store/...", "pgregory.net/rapid"},
		Why:    "the embedded backend; core's services meet it as implementations of their small interfaces"},
	{Package: "store/postgres",
		Module: []string{"core", "core/abi", "store", "store/archive"},
		Other:  []string{"github.com/jackc/pgx/v5", "github.com/pressly/goose/v3"},
		Tests:  []string{"store/...", "pgregory.net/rapid"},
		Why:    "the backend of more than one node"},
	{Package: "store/postgres/pgtest",
		Other: []string{"github.com/jackc/pgx/v5"},
		Why:   "a Postgres for tests; it knows no table"},
	{Package: "store/storetest",
		Module: []string{"core", "core/abi", "store"},
		Other:  []string{"pgregory.net/rapid"},
		Why:    "one suite that every backend passes, so it may know none of them"},

	// Releases.
	{Package: "registry",
		Module: []string{"core", "core/abi"},
		Other:  []string{"oras.land/oras-go/v2", "github.com/opencontainers", "github.com/Masterminds/semver/v3", "golang.org/x/sync/errgroup"},
		Tests:  []string{"github.com/google/go-containerregistry/pkg/registry"},
		Why:    "an OCI layout or an OCI registry holds them; how to read a module is asked of an interface"},

	// HTTP.
	{Package: "web/problem",
		Module: []string{"core", "core/abi"},
		Other:  []string{"github.com/gofiber/fiber/v2"},
		Why:    "the only table from an error's kind to an HTTP status"},
	{Package: "web/session",
		Module: []string{"core", "core/account"},
		Other:  []string{"github.com/gofiber/fiber/v2"},
		Tests:  []string{"web/problem"},
		Why:    "who is asking: cookies and bearer tokens"},
	{Package: "web/api",
		Module: []string{"core", "core/*", "registry", "web/problem", "web/session"},
		Other:  []string{"github.com/gofiber/fiber/v2", "github.com/danielgtaylor/huma/v2"},
		Why:    "the platform's own API and its OpenAPI document"},
	{Package: "web/gateway",
		Module: []string{"core", "core/*", "web/problem", "web/session"},
		Other:  []string{"github.com/gofiber/fiber/v2"},
		Why:    "the routes of plugins; releases are the dispatcher's business"},
	{Package: "web/console",
		Module: []string{"core", "core/*", "registry", "web/problem", "web/session", "sdk/ui"},
		Other:  []string{"github.com/gofiber/fiber/v2", "github.com/a-h/templ", "github.com/yuin/goldmark", "github.com/microcosm-cc/bluemonday"},
		Tests:  []string{"golang.org/x/net/html"},
		Why:    "pages; sdk/ui is the vocabulary of those that plugins describe"},
	{Package: "web",
		Module: []string{"core", "core/*", "./..."},
		Other:  []string{"github.com/gofiber/fiber/v2", "github.com/valyala/fasthttp"},
		Tests:  []string{"registry", "store/...", "golang.org/x/sync/errgroup"},
		Why:    "joins the parts above into one server"},

	// What an author imports.
	{Package: "sdk/ui",
		Why: "the words of a page; guests and the console both compile it"},
	{Package: "sdk",
		Module: []string{"core/abi", "sdk/ui"},
		Tests:  []string{"core", "github.com/santhosh-tekuri/jsonschema/v6"},
		Why:    "guests compile it: every dependency is in every plugin's module"},
	{Package: "sdk/plugintest",
		Module: []string{"core/abi", "sdk"},
		Why:    "drives the carrel binary from outside, so that a plugin's tests need nothing of the platform"},

	// Plugins are ordinary authors: what they need and the SDK cannot give is
	// a hole in the SDK.
	{Package: "plugins-src/hostile/*",
		Module: []string{"core/abi", "sdk", "sdk/ui"},
		Why:    "attackers for the tests; some speak the ABI without the SDK"},
	{Package: "plugins-src/*",
		Module: []string{"core/abi", "sdk", "sdk/ui", "./..."},
		Tests:  []string{"core", "sdk/plugintest", "pgregory.net/rapid"},
		Why:    "a plugin knows the SDK, the contract it speaks, and itself; never another plugin"},
	{Package: "plugins-src/*/...",
		Module: []string{"core/abi", "sdk", "sdk/ui"},
		Tests:  []string{"sdk/plugintest", "pgregory.net/rapid"},
		Why:    "parts of one plugin"},

	// The outside world, each behind an interface that core declares.
	{Package: "adapters/jsonschema", Module: []string{"core", "core/abi"},
		Other: []string{"github.com/santhosh-tekuri/jsonschema/v6", "golang.org/x/text"},
		Why:   "checks settings and bodies against a manifest's schemas"},
	{Package: "adapters/redis", Module: []string{"core"},
		Other: []string{"github.com/redis/go-redis/v9"},
		Tests: []string{"adapters/redis/redistest"},
		Why:   "wakes, hints and counts that nodes share; may be lost without harm"},
	{Package: "adapters/redis/redistest",
		Why: "a real server for the tests of whoever uses one"},
	{Package: "adapters/river", Module: []string{"core"},
		Other: []string{"github.com/riverqueue/river", "github.com/jackc/pgx/v5"},
		Why:   "wakes nodes on Postgres"},
	{Package: "adapters/smtp", Module: []string{"core"},
		Other: []string{"github.com/wneessen/go-mail", "code.dny.dev/ssrf"},
		Tests: []string{"adapters/smtp/smtptest"},
		Why:   "mail; addresses are checked when it dials"},
	{Package: "adapters/smtp/smtptest",
		Other: []string{"github.com/emersion/go-smtp", "github.com/emersion/go-sasl"},
		Why:   "a real server for the tests of whoever sends mail"},
	{Package: "adapters/jsonschema", Module: []string{"core", "core/abi"},
		Other: []string{"github.com/santhosh-tekuri/jsonschema/v6", "golang.org/x/text"},
		Why:   "settings against the schema their manifest declares; loads nothing from outside"},
	{Package: "adapters/telemetry", Module: []string{"core"},
		Other: []string{"github.com/prometheus/client_golang", "go.opentelemetry.io/otel"},
		Tests: []string{"adapters/telemetry/otlptest"},
		Why:   "metrics and traces; whoever is observed declares how"},
	{Package: "adapters/telemetry/otlptest",
		Other: []string{"go.opentelemetry.io/proto/otlp", "google.golang.org/protobuf"},
		Why:   "a real receiver for the tests of whoever sends traces"},
	{Package: "adapters/blob", Module: []string{"core"},
		Other: []string{"gocloud.dev"},
		Tests: []string{"adapters/blob/s3test"},
		Why:   "the bytes of blobs, in a folder or in S3; whose they are is in their keys"},
	{Package: "adapters/blob/s3test",
		Other: []string{"github.com/johannesboyne/gofakes3"},
		Why:   "an S3 for the tests of whoever keeps blobs"},
	{Package: "adapters/secret", Module: []string{"core"},
		Other: []string{"golang.org/x/crypto"},
		Why:   "keys and what they seal"},
	{Package: "adapters/oidc", Module: []string{"core"},
		Other: []string{"github.com/coreos/go-oidc/v3", "golang.org/x/oauth2"},
		Why:   "sign-in by somebody else"},
	{Package: "adapters/stripe", Module: []string{"core"},
		Other: []string{"github.com/stripe/stripe-go/v86"},
		Why:   "the platform's own invoices"},

	// The binary: the only place that sees everything.
	{Package: "cmd/carrel", Module: []string{"cmd/carrel/cli"},
		Why: "main, and nothing else"},
	{Package: "cmd/carrel/app", Module: anything,
		Other: []string{"golang.org/x/sync", "github.com/gofiber/fiber/v2", "code.dny.dev/ssrf"},
		Tests: []string{"pgregory.net/rapid"},
		Why:   "wiring, by hand and in one place"},
	{Package: "cmd/carrel/bind", Module: []string{"core/abi"},
		Tests: []string{"cmd/carrel/cli", "core"},
		Why:   "a manifest as Go code: bytes in, bytes out"},
	{Package: "cmd/carrel/cli", Module: anything,
		Other: []string{"github.com/spf13/cobra"},
		Tests: []string{"github.com/rogpeppe/go-internal", "github.com/google/go-containerregistry/pkg/registry"},
		Why:   "the commands; those that work on files use the parts without a server"},

	// Proofs.
	{Package: "e2e", Module: anything,
		Other: []string{"github.com/chromedp", "pgregory.net/rapid", "github.com/jackc/pgx/v5",
			"github.com/google/go-containerregistry/pkg/registry", "golang.org/x/sys/unix"},
		Why: "stories through the running server, whose resources a fault may take away"},
	{Package: "internal/rules",
		Why: "this package reads the others as text"},
}

// Siblings are groups of folders of one rank. No package in or below one of
// them imports a package in or below another of its group, whatever the table
// says; only test files join them. Web is beside the others, but it reads
// releases from the registry and pages in the words of sdk/ui, hence two groups.
var Siblings = [][]string{
	{"runtime", "hostfuncs", "store", "sdk", "registry"},
	{"runtime", "hostfuncs", "store", "web"},
	{"core/account", "core/workspace", "core/billing", "core/events", "core/dispatch"},
	{"store/sqlite", "store/postgres"},
	{"web/api", "web/gateway", "web/console"},
	{"adapters/*"},
	{"plugins-src/*"},
}
