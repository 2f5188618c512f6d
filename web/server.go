package web

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/web/api"
	"github.com/carrel-dev/carrel/web/gateway"
	"github.com/carrel-dev/carrel/web/problem"
	"github.com/carrel-dev/carrel/web/session"
)

// Limits of one request.
const (
	maxHeaders  = 16 << 10 // request line and header fields, bytes
	maxBody     = 1 << 20  // of the API, the console, and whoever shows no credentials
	maxGateway  = 16 << 20 // of a plugin's route, with credentials
	maxModule   = 32 << 20 // of POST /api/v1/releases, with credentials
	maxRead     = 60 * time.Second
	maxUpload   = 5 * time.Minute // to read a module
	maxIdle     = 90 * time.Second
	maxWrite    = 60 * time.Second
	maxHandling = 45 * time.Second // from the last byte of the request to the answer
)

// Mountable is a part of the site made elsewhere: the console.
type Mountable interface{ Mount(fiber.Router) }

// Config is what a server is made of. Everything but Console and Observer is required.
type Config struct {
	Guard   *session.Guard
	API     api.Config
	Gateway gateway.Config
	Console Mountable
	Ready   []Part // what /readyz asks before it says that requests can be served
	Logger  *slog.Logger
	Secure  bool // people reach the server over https

	Observer Observer // nil: nobody is told
}

// Server is the HTTP server.
type Server struct {
	app      *fiber.App
	log      *slog.Logger
	observer Observer
	patterns map[string]bool // of addresses
	parts    []part
	draining atomic.Bool
}

// New makes a server; it listens to nothing yet.
func New(cfg Config) *Server {
	s := &Server{log: cfg.Logger, observer: cfg.Observer, patterns: map[string]bool{}, parts: make([]part, len(cfg.Ready))}
	for i := range cfg.Ready {
		s.parts[i].Part = cfg.Ready[i]
	}
	s.app = fiber.New(fiber.Config{
		BodyLimit:                    maxBody,
		ReadBufferSize:               maxHeaders,
		ReadTimeout:                  maxRead,
		WriteTimeout:                 maxWrite,
		IdleTimeout:                  maxIdle,
		StrictRouting:                true,
		CaseSensitive:                true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		ErrorHandler:                 s.refuse,
	})
	server := s.app.Server()
	server.HeaderReceived = bodyLimit
	server.Handler = s.knownMethod(server.Handler)
	server.CloseOnShutdown = true
	server.SecureErrorLogMessage = true

	s.app.Use(s.observe, headers(cfg.Secure), framing, deadline)
	s.app.Get("/healthz", healthz)
	s.app.Get("/readyz", s.readyz)
	s.app.Use(cfg.Guard.Middleware(gateway.Prefix))
	api.Mount(s.app, cfg.Guard, cfg.API)
	gateway.Mount(s.app, cfg.Gateway)
	if cfg.Console != nil {
		s.app.Use(entrance)
		cfg.Console.Mount(s.app)
	}
	for _, route := range s.Routes() {
		s.patterns[route.Path] = true
	}
	return s
}

// entrance leads whoever opens the site itself to the console.
func entrance(c *fiber.Ctx) error {
	if c.Method() == fiber.MethodGet && c.Path() == "/" {
		return c.Redirect("/console", fiber.StatusSeeOther)
	}
	return c.Next()
}

// Serve answers requests on a listener until Shutdown.
func (s *Server) Serve(l net.Listener) error { return s.app.Listener(newListener(l)) }

// Shutdown stops taking requests and waits for those under way until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	return s.app.ShutdownWithContext(ctx)
}

// Route is one address of the server.
type Route struct {
	Method string
	Path   string // Fiber's pattern: /api/v1/workspaces/:ws
}

// Routes lists every address, of the API, the gateway and the console, sorted.
// HEAD is not listed where GET is: it is the same handler.
func (s *Server) Routes() []Route {
	var routes []Route
	for _, r := range s.app.GetRoutes(true) {
		route := Route{r.Method, r.Path}
		if r.Method != fiber.MethodHead && !slices.Contains(routes, route) {
			routes = append(routes, route)
		}
	}
	slices.SortFunc(routes, func(a, b Route) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return routes
}

// bodyLimit decides how large a request's body may be before it is read, by
// its address and whether it shows credentials: what they are worth is found
// out later, but a stranger must not make the server buffer 32 MiB.
func bodyLimit(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	cfg := fasthttp.RequestConfig{MaxRequestBodySize: maxBody}
	if len(h.Peek(fiber.HeaderAuthorization)) == 0 && len(h.Peek(fiber.HeaderCookie)) == 0 {
		return cfg
	}
	switch path, _, _ := strings.Cut(string(h.RequestURI()), "?"); {
	case path == api.Prefix+"/releases":
		cfg.MaxRequestBodySize, cfg.ReadTimeout = maxModule, maxUpload
	case strings.HasPrefix(path, gateway.Prefix):
		cfg.MaxRequestBodySize = maxGateway
	}
	return cfg
}

// knownMethod answers what Fiber would answer itself, in plain text.
func (s *Server) knownMethod(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if slices.Contains(fiber.DefaultMethods, string(ctx.Method())) {
			next(ctx)
			return
		}
		c := s.app.AcquireCtx(ctx)
		defer s.app.ReleaseCtx(c)
		_ = s.refuse(c, core.E("web.knownMethod", core.Invalid, "There is no such HTTP method."))
	}
}

// refuse answers errors that no middleware saw: requests that could not be
// read.
func (s *Server) refuse(c *fiber.Ctx, err error) error {
	linger(c.Context().Conn())
	setHeaders(c, false)
	werr := problem.Write(c, err)
	s.record(c, time.Time{})
	return werr
}
