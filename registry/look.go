package registry

import (
	"context"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// patience is how long a lookup waits for a look at the source. Then it answers
// from memory, and the look goes on for those who come later.
const patience = 3 * time.Second

// longestLook ends a look that hangs.
const longestLook = time.Minute

// current returns what there is to install, as old as the source's pace allows.
func (r *Registry) current(ctx context.Context) *catalog {
	r.look(ctx, r.pace.asked, patience)
	return r.catalog.Load()
}

// again calls find with what there is to install, and if it finds nothing, with
// what there is after another look: somebody may have just published it.
func (r *Registry) again(ctx context.Context, find func(*catalog) error) error {
	err := find(r.current(ctx))
	if core.KindOf(err) == core.NotFound {
		r.look(ctx, 0, patience)
		err = find(r.catalog.Load())
	}
	return err
}

// byDigest finds a release by its module. One that is known is answered at
// once, and looked after in the background; for one that is not, the source is
// looked at.
func (r *Registry) byDigest(ctx context.Context, digest core.Digest) (*entry, bool) {
	e, ok := r.catalog.Load().byDigest[digest]
	if ok {
		r.look(ctx, r.pace.known, 0)
		return e, true
	}
	r.look(ctx, 0, patience)
	e, ok = r.catalog.Load().byDigest[digest]
	return e, ok
}

// learn adds what this process has published or yanked itself.
func (r *Registry) learn(ctx context.Context, e *entry) {
	select {
	case r.looking <- struct{}{}:
	case <-ctx.Done():
		return // the next look finds it
	}
	defer func() { <-r.looking }()
	known := r.catalog.Load()
	r.catalog.Store(newCatalog(known.with(e), known.others))
}

// look looks at the source unless somebody has within age, and waits for that.
func (r *Registry) look(ctx context.Context, age, wait time.Duration) {
	asked := r.clock()
	if r.recent(asked, age) {
		return
	}
	waited := time.NewTimer(wait)
	defer waited.Stop()
	if wait > 0 {
		select {
		case r.looking <- struct{}{}:
		case <-waited.C:
			return
		case <-ctx.Done():
			return
		}
	} else {
		select {
		case r.looking <- struct{}{}:
		default:
			return // somebody looks
		}
	}
	if r.recent(asked, age) { // somebody has looked while this one waited
		<-r.looking
		return
	}
	done := make(chan struct{})
	r.looks.Go(func() {
		defer close(done)
		defer func() { <-r.looking }()
		ctx, cancel := context.WithTimeout(r.open, longestLook)
		defer cancel()
		// Whoever asks for what is not there can't have the source looked at
		// more often than that.
		if pause(ctx, r.pace.asked-(r.clock()-time.Duration(r.began.Load()))) == nil {
			r.load(ctx)
		}
	})
	if wait == 0 {
		return
	}
	select {
	case <-done:
	case <-waited.C:
	case <-ctx.Done():
	}
}

// recent reports whether a look began within age before it was asked for, or
// failed so lately that another is not worth a wait.
func (r *Registry) recent(asked, age time.Duration) bool {
	if failed := time.Duration(r.failed.Load()); failed > 0 && asked-failed < r.pace.again {
		return true
	}
	return time.Duration(r.began.Load()) > asked-age
}

// load is a look. The caller holds looking.
func (r *Registry) load(ctx context.Context) {
	began := r.clock()
	known := r.catalog.Load()
	next, err := r.source.load(ctx, known)
	if next != nil && next != known {
		r.warnOfDamage(ctx, known, next)
		r.catalog.Store(next)
	}
	if err != nil {
		if text := err.Error(); r.open.Err() == nil && text != r.trouble {
			r.trouble = text
			r.logger.WarnContext(ctx, "the registry cannot be looked at; what is known of it is served meanwhile", "error", err)
		}
		r.failed.Store(int64(r.clock()))
		return
	}
	if r.trouble != "" {
		r.trouble = ""
		r.logger.InfoContext(ctx, "the registry can be looked at again")
	}
	r.failed.Store(0)
	r.began.Store(int64(began))
}

// warnOfDamage logs the damaged releases that were not in known.
func (r *Registry) warnOfDamage(ctx context.Context, known, next *catalog) {
	for tag, e := range next.byTag {
		if before, ok := known.byTag[tag]; e.damage != nil && (!ok || before.damage == nil) {
			r.logger.WarnContext(ctx, "a stored release is damaged; publish the same module again to heal it",
				"release", tag, "error", e.damage)
		}
	}
}

// pause waits, or less when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// clock is the time since the registry was opened.
func (r *Registry) clock() time.Duration { return time.Since(r.opened) }
