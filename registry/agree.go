package registry

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// Steps of a round of agree, as they stand in tags.
const (
	proposed  = "p" // this is what I want
	committed = "c" // I saw nothing else proposed
	waived    = "w" // I saw something else proposed
)

// agreeRounds bounds agree. With everybody's requests in step, two are enough.
const agreeRounds = 20

// agree lets all who ask about one subject come to one value, whatever they
// propose, in whatever order their requests arrive, and whoever of them dies.
// It returns that value, which somebody has proposed, and the manifest that came
// with it.
//
// An OCI registry has nothing for that: a tag can be written again, and no write
// is conditional. But tags can be added, and listed. So this is a sequence of
// rounds of commit and adopt: propose a value, and look whether others propose
// another; say so, and look what they say. Who sees that all who spoke have
// committed to one value is done; whoever comes later sees that, too, and adopts
// it. Two values are never both committed to in a round, because the second to
// propose sees the first.
//
// It needs of the registry that a tag is listed once it was written.
func (r *remote) agree(ctx context.Context, subject, value string, manifest blob) (string, blob, error) {
	for round := 1; round <= agreeRounds; round++ {
		seen, err := r.say(ctx, subject, round, proposed, value, manifest)
		if err != nil {
			return "", blob{}, err
		}
		step := committed
		if len(seen[proposed]) > 1 {
			step = waived
		}
		if seen, err = r.say(ctx, subject, round, step, value, manifest); err != nil {
			return "", blob{}, err
		}
		next := slices.Min(seen[proposed]) // any will do, and this one others will take as well
		if len(seen[committed]) > 0 {
			next = seen[committed][0] // there is only one
		}
		if next != value {
			value = next
			if manifest, err = r.tagged(ctx, tryTag(subject, round, proposed, value)); err != nil {
				return "", blob{}, err
			}
		}
		if len(seen[committed]) > 0 && len(seen[waived]) == 0 {
			return value, manifest, nil
		}
		if err := pause(ctx, time.Duration(rand.Int64N(int64(round)*int64(5*time.Millisecond)))); err != nil {
			return "", blob{}, err
		}
	}
	return "", blob{}, core.E("registry.Publish", core.Unavailable,
		"Others are publishing the same release at the same time, and no one came first. Publish it again.")
}

// said is the values of a round, by step.
type said map[string][]string

// say adds a tag, and returns what was said in its round by then.
func (r *remote) say(ctx context.Context, subject string, round int, step, value string, manifest blob) (said, error) {
	if err := r.tag(ctx, manifest, tryTag(subject, round, step, value)); err != nil {
		return nil, err
	}
	tags, err := r.tags(ctx)
	if err != nil {
		return nil, err
	}
	prefix := fmt.Sprintf("_try_%s_%d_", about(subject), round)
	seen := make(said)
	for _, tag := range tags {
		of, ok := strings.CutPrefix(tag, prefix)
		if !ok {
			continue
		}
		if step, value, ok := strings.Cut(of, "_"); ok && !slices.Contains(seen[step], value) {
			seen[step] = append(seen[step], value)
		}
	}
	if !slices.Contains(seen[step], value) {
		return nil, fmt.Errorf("the registry does not list the tag %s, which was just written", tryTag(subject, round, step, value))
	}
	return seen, nil
}

func tryTag(subject string, round int, step, value string) string {
	return fmt.Sprintf("_try_%s_%d_%s_%s", about(subject), round, step, value)
}
