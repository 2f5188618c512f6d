package runtime

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// habit is what calls on new memories of one image touch. A new memory has
// nothing: every page the guest touches is a fault, and a fault costs several
// times what giving a page in advance does. So some memories, fewer and fewer of
// them, are given nothing and looked at after their first call; what two in a
// row read is mapped for all others, and what they wrote to is copied. What a
// memory is given never changes what is in it.
type habit struct {
	opened atomic.Uint64
	plan   atomic.Pointer[[]advance]

	mu               sync.Mutex
	touched, written pageSet // by the call that was looked at last
}

// advance is a run of pages, in bytes from the beginning, and the advice that
// gives them.
type advance struct{ start, end, advice int }

// maxCopied bounds the bytes copied in advance: they are copied at every reset,
// too.
const maxCopied = 512 << 10

// prepare gives a new memory what its first call is going to touch, or says
// that it is one to look at. A system that can't give has the guest fault.
func (h *habit) prepare(memory []byte) (look bool) {
	if n := h.opened.Add(1); n&(n-1) == 0 { // 1, 2, 4, 8, ...
		return true
	}
	if plan := h.plan.Load(); plan != nil {
		for _, a := range *plan {
			if unix.Madvise(memory[a.start:a.end], a.advice) != nil {
				break
			}
		}
	}
	return false
}

// learn looks at a memory that has had its first call and was given nothing.
func (h *habit) learn(m *mapped) error {
	pages := len(m.mapping) / pageSize
	touched, written := newPageSet(pages), newPageSet(pages)
	s := m.scan
	s.inverted, s.all, s.anyOf = 0, pageIsPresent, 0
	for s.begin(m.mapping, len(m.mapping)+pageSize); s.more(); {
		base := s.end - uint64(len(m.mapping))
		regions, err := s.next()
		if err != nil {
			return err
		}
		for _, r := range regions {
			for at := r.start - base; at < r.end-base; at += uint64(pageSize) {
				touched.add(int(at) / pageSize)
				if r.categories&pageIsFile == 0 {
					written.add(int(at) / pageSize)
				}
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var plan []advance
	if both := written.and(h.written); both.count() <= maxCopied/pageSize {
		plan = both.appendRuns(plan, unix.MADV_POPULATE_WRITE)
	}
	plan = touched.and(h.touched).appendRuns(plan, unix.MADV_POPULATE_READ)
	h.touched, h.written = touched, written
	h.plan.Store(&plan)
	return nil
}

// pageSet is a set of pages, a bit each.
type pageSet []uint64

func newPageSet(pages int) pageSet { return make(pageSet, (pages+63)/64) }

func (p pageSet) add(page int) { p[page/64] |= 1 << (page % 64) }

func (p pageSet) has(page int) bool { return page/64 < len(p) && p[page/64]>>(page%64)&1 == 1 }

func (p pageSet) count() (n int) {
	for _, word := range p {
		n += bits.OnesCount64(word)
	}
	return n
}

// and returns the pages in both sets.
func (p pageSet) and(q pageSet) pageSet {
	both := make(pageSet, min(len(p), len(q)))
	for n := range both {
		both[n] = p[n] & q[n]
	}
	return both
}

// appendRuns appends the pages, those side by side as one.
func (p pageSet) appendRuns(plan []advance, advice int) []advance {
	for page := 0; page < len(p)*64; page++ {
		if !p.has(page) {
			continue
		}
		first := page
		for p.has(page) {
			page++
		}
		plan = append(plan, advance{first * pageSize, page * pageSize, advice})
	}
	return plan
}
