package runtime

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime/wasm"
)

// eachMethod runs a test with every method this system has.
func eachMethod(t *testing.T, test func(t *testing.T, m method)) {
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			if !m.works() {
				t.Skip("this system can't")
			}
			test(t, m)
		})
	}
}

func testImage(t testing.TB, m method, memory []byte) *image {
	t.Helper()
	im, err := m.image(memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(im.close)
	return im
}

func openLinear(t testing.TB, im *image, reserve int64) *linear {
	t.Helper()
	l, err := im.open(reserve)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Free)
	return l
}

// randomMemory returns so many pages of WebAssembly, a third of it zero.
func randomMemory(random *rand.Rand, pages int) []byte {
	memory := make([]byte, pages*wasm.PageSize)
	for at := 0; at < len(memory); at += 4096 {
		if random.IntN(3) > 0 {
			for n := at; n < at+4096; n += 8 {
				memory[n] = byte(random.Uint32())
			}
		}
	}
	return memory
}

func TestImageHasWholePages(t *testing.T) {
	eachMethod(t, func(t *testing.T, m method) {
		if im, err := m.image(make([]byte, wasm.PageSize+4096)); err == nil {
			im.close()
			t.Fatal("an image of a page and a bit was taken")
		}
	})
}

func TestImageIsACopy(t *testing.T) {
	eachMethod(t, func(t *testing.T, m method) {
		memory := randomMemory(rand.New(rand.NewPCG(1, 1)), 2)
		im := testImage(t, m, memory)
		want := bytes.Clone(memory)
		clear(memory)
		if l := openLinear(t, im, 0); !bytes.Equal(l.Reallocate(uint64(im.size())), want) {
			t.Fatal("the image changed with the memory it was taken of")
		}
	})
}

// An engine that closes while a call still runs must not pull the memory away
// under it.
func TestImageOutlivesItsClose(t *testing.T) {
	eachMethod(t, func(t *testing.T, m method) {
		memory := randomMemory(rand.New(rand.NewPCG(2, 2)), 4)
		im := testImage(t, m, memory)
		l := openLinear(t, im, 0)
		im.close()
		im.close()
		if _, err := im.open(0); core.KindOf(err) != core.Unavailable {
			t.Fatalf("a closed image opened: %v", err)
		}
		guest := l.Reallocate(uint64(len(memory)))
		guest[5]++
		if same, err := l.reset(); !same || err != nil || !bytes.Equal(guest, memory) {
			t.Fatalf("the memory is not the image's after its close: %v, %v", same, err)
		}
		l.Free()
		l.Free()
		if same, err := l.reset(); same || err != nil {
			t.Fatalf("a freed memory was reset: %v, %v", same, err)
		}
	})
}

// The method is chosen by trying, so the trying must be able to fail.
func TestMethodThatForgetsToResetDoesNotWork(t *testing.T) {
	forgetful := method{"forgetful", func(memory []byte) (source, error) {
		s, err := keepCopy(memory)
		return forgetfulSource{s}, err
	}}
	if forgetful.works() {
		t.Fatal("a method that resets nothing was found to work")
	}
	if best := bestMethod(); !best.works() {
		t.Fatalf("%s was chosen and does not work", best.name)
	}
}

type forgetfulSource struct{ source }

func (s forgetfulSource) attach() (backing, error) {
	b, err := s.source.attach()
	return forgetfulBacking{b}, err
}

type forgetfulBacking struct{ backing }

func (forgetfulBacking) reset() error { return nil }
