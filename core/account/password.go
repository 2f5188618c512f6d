package account

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/carrel-dev/carrel/core"
)

// Hashing is what one argon2id hash costs, and how many are made at a time.
type Hashing struct {
	Memory     uint32 // KiB
	Time       uint32 // passes
	Threads    uint8
	Concurrent int // hashes at a time; 0: one per processor
	Waiting    int // callers that may wait for their turn; more are refused with Unavailable
}

// DefaultHashing is OWASP's recommendation: 19 MiB, two passes, one thread. On
// a machine of four processors sign-ins take at most 76 MiB.
var DefaultHashing = Hashing{Memory: 19 << 10, Time: 2, Threads: 1, Waiting: 200}

const (
	saltBytes = 16
	hashBytes = 32
)

// hasher makes and checks hashes, a bounded number at a time: each takes
// megabytes, and anybody may ask for one.
type hasher struct {
	cost    Hashing
	random  io.Reader
	running chan struct{}
	waiting chan struct{}
}

func newHasher(cost Hashing, random io.Reader) *hasher {
	if cost.Concurrent == 0 {
		cost.Concurrent = runtime.GOMAXPROCS(0)
	}
	return &hasher{
		cost: cost, random: random,
		running: make(chan struct{}, cost.Concurrent),
		waiting: make(chan struct{}, cost.Concurrent+cost.Waiting),
	}
}

// turn waits for permission to hash and returns the function that gives it back.
func (h *hasher) turn(ctx context.Context) (func(), error) {
	const op = "account.hash"
	select {
	case h.waiting <- struct{}{}:
	default:
		return nil, core.E(op, core.Unavailable, "Too many people are signing in at the moment. Try again in a few seconds.")
	}
	select {
	case h.running <- struct{}{}:
		return func() { <-h.running; <-h.waiting }, nil
	case <-ctx.Done():
		<-h.waiting
		return nil, core.Wrap(op, core.Timeout, ctx.Err())
	}
}

// hash returns a password's hash as a PHC string.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	var salt [saltBytes]byte
	if _, err := io.ReadFull(h.random, salt[:]); err != nil {
		return "", core.Wrap("account.hash", core.Unavailable, err)
	}
	key := argon2.IDKey([]byte(password), salt[:], h.cost.Time, h.cost.Memory, h.cost.Threads, hashBytes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.cost.Memory, h.cost.Time, h.cost.Threads,
		base64.RawStdEncoding.EncodeToString(salt[:]), base64.RawStdEncoding.EncodeToString(key)), nil
}

// verify reports whether a PHC string is the hash of a password.
func (h *hasher) verify(ctx context.Context, phc, password string) (bool, error) {
	cost, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, core.Wrap("account.verify", core.Internal, err)
	}
	done, err := h.turn(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	got := argon2.IDKey([]byte(password), salt, cost.Time, cost.Memory, cost.Threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

var errPHC = errors.New("the stored password hash is not an argon2id PHC string")

func parsePHC(phc string) (cost Hashing, salt, key []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return cost, nil, nil, errPHC
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &cost.Memory, &cost.Time, &cost.Threads); err != nil || cost.Time == 0 || cost.Threads == 0 {
		return cost, nil, nil, errPHC
	}
	salt, serr := base64.RawStdEncoding.DecodeString(parts[4])
	key, kerr := base64.RawStdEncoding.DecodeString(parts[5])
	if serr != nil || kerr != nil || len(key) == 0 {
		return cost, nil, nil, errPHC
	}
	return cost, salt, key, nil
}
