package runtime

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/carrel-dev/carrel/runtime/wasm"
)

// BenchmarkReset resets a memory of 6 MB after a call that dirtied so many
// pages of 4 KiB and read a third of all. For "dropping" the faults of the next
// call are the other half of its price: they are in BenchmarkWriteAndReset.
func BenchmarkReset(b *testing.B) { benchmarkReset(b, false) }

// BenchmarkWriteAndReset counts the writing too.
func BenchmarkWriteAndReset(b *testing.B) { benchmarkReset(b, true) }

func benchmarkReset(b *testing.B, writing bool) {
	for _, m := range methods {
		for _, dirty := range []int{0, 1, 25, 200, 1000} {
			b.Run(fmt.Sprintf("%s/%d", m.name, dirty), func(b *testing.B) {
				const page = 4096
				l := openTestLinear(b, m, 96*wasm.PageSize)
				guest := l.Reallocate(96 * wasm.PageSize)
				random := rand.New(rand.NewPCG(1, 2))
				touched := random.Perm(len(guest) / page)[:dirty]
				b.ReportAllocs()
				for b.Loop() {
					if !writing {
						b.StopTimer()
					}
					for _, at := range touched {
						guest[at*page]++
					}
					for at := 0; at < len(guest)/3; at += page {
						sink += guest[at]
					}
					if !writing {
						b.StartTimer()
					}
					if same, err := l.reset(); !same || err != nil {
						b.Fatal(same, err)
					}
				}
			})
		}
	}
}

// BenchmarkOpen makes an instance's memory, writes to 25 pages and frees it.
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
					guest[at*5*4096]++
				}
				l.Free()
			}
		})
	}
}

var sink byte
