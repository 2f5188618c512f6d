package redis

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/carrel-dev/carrel/core"
)

const (
	// defaultBound is many times what a Redis in the same network takes.
	defaultBound = 50 * time.Millisecond
	// patience is how long others wait: to connect, and to tell.
	patience = time.Second
	// A session that failed is followed by another after a pause that doubles from
	// the shortest to the longest, and begins again with one that lasted.
	shortestPause = 100 * time.Millisecond
	longestPause  = 5 * time.Second
	lasted        = 10 * time.Second
	// connections are those of counting; telling and hearing have one more each.
	connections = 16
)

// Config is what a Link is made of.
type Config struct {
	// URL is redis://, rediss:// (TLS) or unix://, with user, password and database
	// in it as needed. It is never logged.
	URL string
	// Secret is 32 bytes that all nodes of a deployment have and nobody else.
	// Names in Redis are made of it, so that two deployments on one Redis don't
	// meet, and nobody who reads them learns whom they are of.
	Secret []byte
	// Bound is how long whoever serves a request waits for Redis; 0 is 50 ms.
	Bound  time.Duration
	Logger *slog.Logger
}

// Ears are what is told of what other nodes said. They are called one at a time,
// at most every 10 ms each, and may be called for no reason.
type Ears struct {
	Due   func()                 // deliveries may be due
	Moved func(core.WorkspaceID) // what authorises in a workspace may be another
	All   func()                 // the same, in every workspace
}

// Link is a node's link to the others. Its methods may be called concurrently,
// before Start and after Close, too; but for Close none of them waits for Redis
// longer than the bound, and while it doesn't answer they don't wait at all.
type Link struct {
	client *goredis.Client
	secret []byte
	prefix string // of every name in Redis
	node   string // says which messages are this node's own
	log    *slog.Logger
	bound  time.Duration

	said   *mailbox // what others are to be told
	heard  *mailbox // what others said
	answer atomic.Bool
	failed chan error // of counting; holds one

	stop    context.CancelFunc
	running sync.WaitGroup
	told    atomic.Int64 // messages published
	alone   atomic.Int64 // what could not be asked because Redis didn't answer
}

// New makes a Link, and connects to nothing yet. Invalid: the URL is none of a
// Redis.
func New(c Config) (*Link, error) {
	logging.Disable() // the driver's own log repeats itself with each try
	options, err := goredis.ParseURL(c.URL)
	if err != nil {
		// The driver's error may quote the URL, and with it the password.
		return nil, core.E("redis.New", core.Invalid,
			"--redis-url is not an address of Redis; write it like rediss://user:password@host:6379 or redis://host:6379.")
	}
	options.Protocol = 2
	options.MaxRetries, options.DialerRetries = -1, 1
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = patience, patience, patience
	options.ContextTimeoutEnabled = true
	options.PoolSize, options.PipelinePoolSize, options.PoolTimeout = connections, -1, patience
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	l := &Link{
		client: goredis.NewClient(options), secret: c.Secret, node: rand.Text(), log: c.Logger, bound: cmp.Or(c.Bound, defaultBound),
		said: newMailbox(), heard: newMailbox(), failed: make(chan error, 1),
		stop: func() {},
	}
	l.prefix = "carrel:" + l.digest("installation")[:16] + ":"
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	return l, nil
}

// digest makes a name of parts that nobody without the secret can guess. Parts are
// length-prefixed, so that no others give the same.
func (l *Link) digest(parts ...string) string {
	mac := hmac.New(sha256.New, l.secret)
	for _, part := range parts {
		mac.Write(binary.AppendUvarint(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Start connects, again and again when it must, until Close.
func (l *Link) Start(ears Ears) {
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.running.Go(func() { l.keep(ctx) })
	l.running.Go(func() { l.hear(ctx, ears) })
}

// Close ends the link. What nobody was told yet is never told.
func (l *Link) Close() error {
	l.stop()
	l.running.Wait()
	return l.client.Close()
}

// Answers reports whether Redis answered when it was last asked.
func (l *Link) Answers() bool { return l.answer.Load() }

// Alone is how often this node counted on its own because Redis didn't answer.
func (l *Link) Alone() int64 { return l.alone.Load() }

// keep makes one session after the other. What it logs is when they begin to fail
// and when they do no more.
func (l *Link) keep(ctx context.Context) {
	var out time.Time // since when Redis doesn't answer; zero while it does
	pause := shortestPause
	for ctx.Err() == nil {
		began := time.Now()
		err := l.session(ctx, func() {
			if out.IsZero() {
				l.log.Info("redis answers")
			} else {
				l.log.Info("redis answers again", "after", time.Since(out).Round(time.Millisecond))
			}
			out = time.Time{}
		})
		if ctx.Err() != nil {
			return
		}
		if out.IsZero() {
			out = time.Now()
			l.log.Warn("redis doesn't answer; the server goes on without it: work of other nodes is taken on within a second, "+
				"and each node counts limits on its own", "error", err)
		}
		if time.Since(began) > lasted {
			pause = shortestPause
		}
		wait(ctx, pause/2+mathrand.N(pause/2))
		pause = min(2*pause, longestPause)
	}
}

// session connects, calls ready when Redis answers as it should, and works until
// something fails or ctx ends.
func (l *Link) session(ctx context.Context, ready func()) error {
	select {
	case <-l.failed: // of the session before
	default:
	}
	subscription := l.client.Subscribe(ctx, l.channel())
	defer subscription.Close() //nolint:errcheck // there is nothing left to do
	if _, err := subscription.ReceiveTimeout(ctx, patience); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if err := l.probe(ctx); err != nil {
		return err
	}
	l.answer.Store(true)
	defer l.answer.Store(false)
	ready()
	l.heard.add(everything) // others may have spoken before there was a subscription

	ctx, end := context.WithCancelCause(ctx)
	var parts sync.WaitGroup
	parts.Go(func() { end(l.receive(ctx, subscription)) })
	parts.Go(func() { end(l.publish(ctx)) })
	select {
	case err := <-l.failed:
		end(err)
	case <-ctx.Done():
	}
	l.answer.Store(false)
	subscription.Close() //nolint:errcheck // it ends receive
	parts.Wait()
	return context.Cause(ctx)
}

// probe counts as requests will, twice: the first may have to connect, and has the
// time for it.
func (l *Link) probe(ctx context.Context) error {
	for _, within := range []time.Duration{patience, l.bound} {
		ctx, cancel := context.WithTimeout(ctx, within)
		err := take.Run(ctx, l.client, []string{l.prefix + "probe"}, 1, patience.Milliseconds()).Err()
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("no answer within %v", within)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fail ends the session, which another will follow.
func (l *Link) fail(err error) {
	l.answer.Store(false)
	select {
	case l.failed <- err:
	default:
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
