package runtime

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/carrel-dev/carrel/runtime/wasm"
)

// BenchmarkReset writes to so many pages of a memory of 6 MB, reads a third of
// all, and resets it. The writing is counted: faults it takes again after a
// reset are a part of that reset's price. What the loop costs without any reset
// is "nothing".
func BenchmarkReset(b *testing.B) {
	nothing := method{"nothing", copying.keep}
	for _, m := range append([]method{nothing}, methods...) {
		for _, dirty := range []int{0, 1, 25, 200, 1000} {
			b.Run(fmt.Sprintf("%s/%d", m.name, dirty), func(b *testing.B) {
				const page = 4096
				l := openLinear(b, testImage(b, m, randomMemory(rand.New(rand.NewPCG(1, 2)), 96)), 0)
				guest := l.Reallocate(96 * wasm.PageSize)
				touched := rand.New(rand.NewPCG(1, 2)).Perm(len(guest) / page)[:dirty]
				b.ReportAllocs()
				for b.Loop() {
					for _, at := range touched {
						guest[at*page]++
					}
					for at := 0; at < len(guest)/3; at += page {
						sink += guest[at]
					}
					if m.name == nothing.name {
						continue
					}
					if same, err := l.reset(); !same || err != nil {
						b.Fatal(same, err)
					}
				}
			})
		}
	}
}

// BenchmarkOpen makes an instance's memory, writes to 25 pages in 5 places,
// reads a third of all, resets and frees it: a call on a new instance.
func BenchmarkOpen(b *testing.B) {
	for _, m := range methods {
		b.Run(m.name, func(b *testing.B) {
			im := testImage(b, m, randomMemory(rand.New(rand.NewPCG(1, 2)), 96))
			for b.Loop() {
				l, err := im.open(0)
				if err != nil {
					b.Fatal(err)
				}
				guest := l.Reallocate(96 * wasm.PageSize)
				for at := range 25 {
					guest[(at/5*300+at%5)*4096]++
				}
				for at := 0; at < len(guest)/3; at += 4096 {
					sink += guest[at]
				}
				if same, err := l.reset(); !same || err != nil {
					b.Fatal(same, err)
				}
				l.Free()
			}
		})
	}
}
