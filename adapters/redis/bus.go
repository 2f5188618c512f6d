package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/carrel-dev/carrel/core"
)

const (
	// pace is the least time between two messages of a node, and between two times
	// that a node acts on those of others.
	pace = 10 * time.Millisecond
	// silence is how long a subscription may be silent before it is asked whether
	// it is still there, and how long it may take to say so.
	silence = 3 * time.Second
)

// Due tells the other nodes that deliveries may be due. It never waits.
func (l *Link) Due() { l.said.add(news{due: true}) }

// Moved tells the other nodes that what authorises in a workspace is another. It
// never waits.
func (l *Link) Moved(ws core.WorkspaceID) {
	l.said.add(news{moved: map[core.WorkspaceID]struct{}{ws: {}}})
}

func (l *Link) channel() string { return l.prefix + "bus" }

// publish tells the others what was said, until ctx ends or it fails.
func (l *Link) publish(ctx context.Context) error {
	for {
		select {
		case <-l.said.full:
		case <-ctx.Done():
			return ctx.Err()
		}
		n := l.said.take()
		if n.empty() {
			continue
		}
		if err := l.client.Publish(ctx, l.channel(), n.encode(l.node)).Err(); err != nil {
			l.said.add(n) // it may have been published all the same
			return fmt.Errorf("publish: %w", err)
		}
		l.told.Add(1)
		wait(ctx, pace)
	}
}

// receive takes in what others say, until the subscription ends or is silent for
// too long.
func (l *Link) receive(ctx context.Context, subscription *goredis.PubSub) error {
	for asked := false; ; {
		received, err := subscription.ReceiveTimeout(ctx, silence)
		switch timeout, ok := errors.AsType[net.Error](err); {
		case err == nil:
			asked = false
		case ok && timeout.Timeout() && !asked && ctx.Err() == nil:
			asked = true
			if err := subscription.Ping(ctx); err != nil {
				return fmt.Errorf("ping: %w", err)
			}
			continue
		default:
			return fmt.Errorf("receive: %w", err)
		}
		switch received := received.(type) {
		case *goredis.Message:
			if n, others := decode(received.Payload, l.node); others {
				l.heard.add(n)
			}
		case *goredis.Subscription: // the driver has connected anew
			l.heard.add(everything)
		}
	}
}

// hear acts on what others said.
func (l *Link) hear(ctx context.Context, ears Ears) {
	for {
		select {
		case <-l.heard.full:
		case <-ctx.Done():
			return
		}
		n := l.heard.take()
		if n.all {
			ears.All()
		}
		for ws := range n.moved {
			ears.Moved(ws)
		}
		if n.due {
			ears.Due()
		}
		wait(ctx, pace)
	}
}
