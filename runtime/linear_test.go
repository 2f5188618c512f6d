package runtime

import (
	"math/rand/v2"
	"testing"

	"github.com/carrel-dev/carrel/runtime/wasm"
)

func testImage(t testing.TB, m method, memory []byte) *image {
	t.Helper()
	im, err := m.image(memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(im.close)
	return im
}

func openTestLinear(t testing.TB, m method, size int) *linear {
	t.Helper()
	im := testImage(t, m, randomMemory(rand.New(rand.NewPCG(1, 2)), size/wasm.PageSize))
	l, err := im.open(1 << 28)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Free)
	return l
}

// randomMemory returns so many pages of WebAssembly, some of them zero.
func randomMemory(random *rand.Rand, pages int) []byte {
	memory := make([]byte, pages*wasm.PageSize)
	for at := 0; at < len(memory); at += 4096 {
		if random.IntN(3) == 0 {
			continue
		}
		for n := at; n < at+4096; n += 8 {
			memory[n] = byte(random.Uint32())
		}
	}
	return memory
}
