package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/carrel-dev/carrel/core"
)

// A count is a number under a name that Redis forgets at the end of its window.
// Not a bucket that leaks, as of redis_rate: what one node counts in memory and
// all count in Redis must be the same, be given back, and begin anew after success.

// take adds one to a count, unless it is at the limit. A window begins with its
// first; its end is of Redis's clock, so that no node's matters. What has no end,
// whoever put it there, begins one.
var take = goredis.NewScript(`
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('SET', KEYS[1], 0, 'PX', ARGV[2]) end
if tonumber(redis.call('GET', KEYS[1])) >= tonumber(ARGV[1]) then return 0 end
redis.call('INCR', KEYS[1])
return 1`)

// giveBack takes one from a count that has any.
var giveBack = goredis.NewScript(`
local n = tonumber(redis.call('GET', KEYS[1]) or 0)
if n > 0 then redis.call('DECR', KEYS[1]) end
return 0`)

// Counter counts, together with the other nodes, what must not happen more often
// than some times in a window.
type Counter struct {
	link *Link
	what string
}

// Counter returns the counter of a sort of things, such as "sign-in".
func (l *Link) Counter(what string) *Counter { return &Counter{l, what} }

// Take counts one more of a key, unless it was counted limit times within the
// window already: then it reports false. Unavailable: Redis can't say, which is
// known after the bound at most, and at once while it doesn't answer anyway.
func (c *Counter) Take(ctx context.Context, key string, limit int, window time.Duration) (bool, error) {
	var taken bool
	err := c.ask(ctx, func(ctx context.Context) (err error) {
		taken, err = take.Run(ctx, c.link.client, c.name(key), limit, window.Milliseconds()).Bool()
		return err
	})
	return taken, err
}

// GiveBack counts one less of a key, if Redis answers.
func (c *Counter) GiveBack(ctx context.Context, key string) {
	c.ask(ctx, func(ctx context.Context) error { //nolint:errcheck // or the window ends
		return giveBack.Run(ctx, c.link.client, c.name(key)).Err()
	})
}

// Forget counts anew from nothing, if Redis answers.
func (c *Counter) Forget(ctx context.Context, key string) {
	c.ask(ctx, func(ctx context.Context) error { //nolint:errcheck // or the window ends
		return c.link.client.Del(ctx, c.name(key)...).Err()
	})
}

// name says nothing of the key to who reads it: it may be somebody's address.
func (c *Counter) name(key string) []string {
	return []string{c.link.prefix + "count:" + c.link.digest("count", c.what, key)}
}

var errAway = core.E("redis.Counter", core.Unavailable, "Redis does not answer.")

// ask asks Redis within the bound, whoever waits for the request, and lets nobody
// ask again after it failed until it answers as it should.
func (c *Counter) ask(ctx context.Context, question func(context.Context) error) error {
	if !c.link.answer.Load() {
		c.link.alone.Add(1)
		return errAway
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.link.bound)
	defer cancel()
	if err := question(ctx); err != nil {
		c.link.fail(fmt.Errorf("count: %w", err))
		c.link.alone.Add(1)
		return core.Wrap("redis.Counter", core.Unavailable, err)
	}
	return nil
}
