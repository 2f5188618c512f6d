package console

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
	"github.com/carrel-dev/carrel/core/workspace"
	"github.com/carrel-dev/carrel/web/session"
)

const (
	liveBeat = 400 * time.Millisecond // how often a stream looks whether something happened, and whether its reader may still know
	liveNote = 5 * time.Second        // the longest silence; a line that says nothing finds out who is gone
	liveLife = 50 * time.Second       // of one stream, below the server's bound for an answer; browsers come again by themselves
)

// Streams that are open at once. Each costs a connection and three lookups a
// beat.
const (
	liveOfAccount = 6
	liveOfServer  = 500
)

// liveScope is what a token that is limited to scopes needs.
const liveScope = "core.events.read"

// reader is who a stream is for.
type reader struct {
	pulse   func(context.Context) (pulse, error) // how far the workspace is
	mayRead func(context.Context) error          // why they may no longer know
}

// live tells a browser, as server-sent events, that something happened in a
// workspace: `commit` for what changed data, events or deliveries, `call` for a
// call of a plugin on record. It tells no more than that; the page then asks for
// itself again, and is shown what its reader may see.
func (c *Console) live(ctx *fiber.Ctx) error {
	who, err := session.Require(ctx.UserContext())
	if err != nil {
		return err
	}
	if !who.Allows(liveScope) {
		return core.E("console.live", core.Denied, "The API token lacks the scope %s. Make one that has it.", liveScope)
	}
	ws, member, err := c.Workspaces.Resolve(ctx.UserContext(), who.Account.ID, param(ctx, "ws"))
	if err != nil {
		return err
	}
	if _, err := workspace.ActorFor(member, who.Token); err != nil {
		return err
	}
	var again func(context.Context) (account.Identity, error) // authenticates what they showed
	if who.Token != nil {
		_, bearer, _ := strings.Cut(strings.Clone(ctx.Get(fiber.HeaderAuthorization)), " ")
		again = func(ctx context.Context) (account.Identity, error) { return c.Accounts.AuthenticateToken(ctx, bearer) }
	} else {
		secret := strings.Clone(c.Guard.Secret(ctx.Get(fiber.HeaderCookie)))
		again = func(ctx context.Context) (account.Identity, error) { return c.Accounts.Authenticate(ctx, secret) }
	}
	r := reader{
		pulse: func(ctx context.Context) (pulse, error) { return c.pulse(ctx, ws.ID) },
		mayRead: func(ctx context.Context) error {
			now, err := again(ctx)
			if err != nil {
				return err
			}
			return c.mayRead(ctx, now, ws.ID)
		},
	}
	since := strings.Clone(ctx.Get("Last-Event-ID", ctx.Query("since")))
	ended, leave, err := c.streams.enter(who.Account.ID)
	if err != nil {
		return err
	}
	stopping := ctx.Context().Done() // closed when the server shuts down
	ctx.Set(fiber.HeaderContentType, "text/event-stream")
	ctx.Set("X-Accel-Buffering", "no") // proxies that keep answers back are asked not to
	ctx.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer leave()
		r.tell(w, since, ended, stopping)
	})
	return nil
}

// tell writes a stream until its reader is gone or may no longer read it, another
// has taken its place, its time is over, or the server stops. It looks at what
// happened before it looks at their right, so what it tells of happened while they
// might know it.
func (r reader) tell(w *bufio.Writer, since string, ended, stopping <-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), liveLife)
	defer cancel()
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	last, err := r.pulse(ctx)
	if err != nil || r.mayRead(ctx) != nil || !say(w, "retry: 2000\n\n") {
		return
	}
	if since != "" && since != last.String() { // it happened before the stream began
		if !say(w, "id: %s\nevent: commit\ndata:\n\n", last) {
			return
		}
	}
	spoke := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-stopping:
			return
		case <-ended:
			say(w, "event: end\ndata:\n\n") // it is not to come again
			return
		case <-beat.C:
		}
		now, err := r.pulse(ctx)
		if err != nil || r.mayRead(ctx) != nil {
			return
		}
		kind := "call"
		switch {
		case now.commits != last.commits:
			kind = "commit"
		case now == last && time.Since(spoke) < liveNote:
			continue
		case now == last:
			kind = ""
		}
		text := ":\n\n"
		if kind != "" {
			text = fmt.Sprintf("id: %s\nevent: %s\ndata:\n\n", now, kind)
		}
		if !say(w, "%s", text) {
			return
		}
		last, spoke = now, time.Now()
	}
}

// say writes and sends; false: nobody is there.
func say(w *bufio.Writer, format string, args ...any) bool {
	_, err := fmt.Fprintf(w, format, args...)
	return err == nil && w.Flush() == nil
}

// mayRead says why a person who has just shown who they are may no longer know
// what happens in a workspace: they have left it, or their token is for another.
func (c *Console) mayRead(ctx context.Context, who account.Identity, ws core.WorkspaceID) error {
	_, member, err := c.Workspaces.Resolve(ctx, who.Account.ID, string(ws))
	if err != nil {
		return err
	}
	_, err = workspace.ActorFor(member, who.Token)
	return err
}

// pulse is how far a workspace has come.
type pulse struct {
	commits int64
	call    core.InvocationID
}

// String writes it into a stream, and into the page that asks for one.
func (p pulse) String() string { return fmt.Sprintf("%d.%s", p.commits, p.call) }

func (c *Console) pulse(ctx context.Context, ws core.WorkspaceID) (p pulse, err error) {
	p.commits, p.call, err = c.History.Pulse(ctx, ws)
	return p, err
}

// streams are those that are open, of each account the oldest first.
type streams struct {
	mu    sync.Mutex
	open  map[core.AccountID][]chan struct{}
	total int
}

// enter lets a stream in. The oldest of its account makes room when there are too
// many; it is told so by ended. Unavailable: the server has no room for another.
// Call leave when it is over.
func (s *streams) enter(who core.AccountID) (ended <-chan struct{}, leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= liveOfServer {
		return nil, nil, core.E("console.live", core.Unavailable, "Too many pages are open on this server for another one that refreshes itself. Reload it instead.")
	}
	if s.open == nil {
		s.open = map[core.AccountID][]chan struct{}{}
	}
	if mine := s.open[who]; len(mine) >= liveOfAccount {
		close(mine[0])
		s.open[who] = mine[1:]
	}
	one := make(chan struct{})
	s.open[who] = append(s.open[who], one)
	s.total++
	return one, func() { s.leave(who, one) }, nil
}

func (s *streams) leave(who core.AccountID, one chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	left := s.open[who][:0:0]
	for _, other := range s.open[who] {
		if other != one {
			left = append(left, other)
		}
	}
	if s.open[who] = left; len(left) == 0 {
		delete(s.open, who)
	}
}
