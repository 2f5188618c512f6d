package runtime

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/carrel-dev/carrel/runtime/wasm"
)

// scribble does to a memory what a guest may: it writes a byte, a run, a page,
// everything, or the bytes that are there already, and reads.
func scribble(random *rand.Rand, guest []byte) {
	if len(guest) == 0 {
		return
	}
	at := random.IntN(len(guest))
	switch random.IntN(10) {
	case 0, 1, 2, 3:
		guest[at]++
	case 4:
		for n := range guest[at:min(len(guest), at+random.IntN(200_000))] {
			guest[at+n] ^= byte(n) | 1
		}
	case 5:
		copy(guest[at:], []byte{guest[at]}) // the page is the guest's own now, and the same
	case 6:
		clear(guest[at&^4095:][:4096])
	case 7:
		for n := at; n < len(guest); n += 8192 { // no two pages side by side
			guest[n] ^= 0x55
		}
	case 8:
		if random.IntN(8) == 0 {
			for n := range guest {
				guest[n] = 0xcc
			}
		}
	case 9:
		for n := 0; n < at; n += 4096 {
			sink += guest[n]
		}
	}
}

// Whatever a call wrote, the next one finds the image. The comparison is with a
// copy on the heap, made before the image was.
func TestAttack12_APristineMemoryIsTheImageByteForByte(t *testing.T) {
	eachMethod(t, func(t *testing.T, m method) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 12))
		for _, pages := range []int{0, 1, 7, 100} { // 100: more than a memory may keep of its own
			want := randomMemory(random, pages)
			im := testImage(t, m, bytes.Clone(want))
			for range 3 {
				l := openLinear(t, im, 0)
				guest := l.Reallocate(uint64(len(want)))
				for call := range 12 {
					if !bytes.Equal(guest, want) {
						t.Fatalf("seed %d: %d pages: call %d does not find the image: %s", seed, pages, call, firstDifference(guest, want))
					}
					for range random.IntN(12) {
						scribble(random, guest)
						press(random, guest)
					}
					if same, err := l.reset(); !same || err != nil {
						t.Fatalf("seed %d: not reset: %v, %v", seed, same, err)
					}
				}
				l.Free()
			}
		}
	})
}

func firstDifference(got, want []byte) string {
	for at := range got {
		if got[at] != want[at] {
			return fmt.Sprintf("byte %d of page %d is %#x, not %#x", at%4096, at/4096, got[at], want[at])
		}
	}
	return "they differ in length"
}

// sink takes what is only read, so that it is.
var sink byte

// Memory a guest grew, and what it left there, is gone with its instance.
func TestAttack12_GrownMemoryIsNeverSeenAgain(t *testing.T) {
	eachMethod(t, func(t *testing.T, m method) {
		const pages, grown = 3, 40
		want := randomMemory(rand.New(rand.NewPCG(3, 3)), pages)
		im := testImage(t, m, want)
		canary := bytes.Repeat([]byte("another workspace's secret"), wasm.PageSize)[:wasm.PageSize]
		for instance := range 30 {
			l := openLinear(t, im, grown*wasm.PageSize)
			guest := l.Reallocate(pages * wasm.PageSize)
			guest[instance]++ // moves along
			guest = l.Reallocate(grown * wasm.PageSize)
			if guest[instance] != want[instance]+1 || !bytes.Equal(guest[100:len(want)], want[100:]) {
				t.Fatalf("instance %d: growing changed what was there", instance)
			}
			if left := bytes.Trim(guest[len(want):], "\x00"); len(left) > 0 {
				t.Fatalf("instance %d finds %q in memory it grew", instance, left[:min(len(left), 40)])
			}
			for at := 0; at+len(canary) <= len(guest); at += len(canary) {
				copy(guest[at:], canary)
			}
			if same, err := l.reset(); same || err != nil {
				t.Fatalf("a memory that grew was kept: %v, %v", same, err)
			}
			l.Free()
		}
	})
}

func TestLinearGrowsByStepsToItsReserve(t *testing.T) {
	eachMethod(t, func(t *testing.T, m method) {
		for _, pages := range []int{0, 2} {
			im := testImage(t, m, randomMemory(rand.New(rand.NewPCG(4, 4)), pages))
			l := openLinear(t, im, 20*wasm.PageSize)
			l.Allocate(0, 12*wasm.PageSize)
			var asked []int64
			l.admit = func(size int64) bool {
				asked = append(asked, size)
				return size <= 10*wasm.PageSize
			}
			for n := 0; n <= pages; n++ {
				if guest := l.Reallocate(uint64(n * wasm.PageSize)); len(guest) != n*wasm.PageSize || cap(guest) != len(guest) {
					t.Fatalf("%d pages of the image: %d bytes, room for %d", n, len(guest), cap(guest))
				}
			}
			if asked != nil {
				t.Fatalf("asked for %v, which the image has", asked)
			}
			for n := pages + 1; n <= 10; n++ {
				guest := l.Reallocate(uint64(n * wasm.PageSize))
				if len(guest) != n*wasm.PageSize {
					t.Fatalf("grown to %d bytes instead of %d pages", len(guest), n)
				}
				if n > pages+1 && guest[len(guest)-wasm.PageSize-1] != byte(n-1) {
					t.Fatalf("growing to %d pages lost a byte", n)
				}
				guest[len(guest)-1] = byte(n)
			}
			if l.Reallocate(11*wasm.PageSize) != nil {
				t.Fatal("grew though it was not admitted")
			}
			l.admit = nil
			if l.Reallocate(12*wasm.PageSize) == nil {
				t.Fatal("did not grow to the module's maximum")
			}
			if l.Reallocate(13*wasm.PageSize) != nil {
				t.Fatal("grew beyond the module's maximum")
			}
		}
	})
}

func TestLinearsOfOneImageShareNothing(t *testing.T) {
	eachMethod(t, func(t *testing.T, m method) {
		want := randomMemory(rand.New(rand.NewPCG(5, 5)), 8)
		im := testImage(t, m, want)
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				random := rand.New(rand.NewPCG(6, uint64(worker)))
				for range 3 {
					l, err := im.open(16 * wasm.PageSize)
					if err != nil {
						t.Error(err)
						return
					}
					guest := l.Reallocate(uint64(len(want)))
					for range 10 {
						for n := 0; n < len(guest); n += 4096 * (1 + random.IntN(3)) {
							guest[n] = byte(worker)
						}
						if same, err := l.reset(); !same || err != nil || !bytes.Equal(guest, want) {
							t.Errorf("worker %d does not find the image: %v, %v", worker, same, err)
						}
					}
					if grown := l.Reallocate(16 * wasm.PageSize); grown == nil || !bytes.Equal(grown[:len(want)], want) {
						t.Errorf("worker %d could not grow", worker)
					}
					l.Free()
				}
			})
		}
		all.Wait()
	})
}

// growing is
//
//	(module (memory (export "memory") 1 8)
//	  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
//	  (func (export "get") (param i32) (result i32) local.get 0 i32.load8_u)
//	  (func (export "inc") (param i32) local.get 0 local.get 0 i32.load8_u i32.const 1 i32.add i32.store8))
var growing = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x0a\x02\x60\x01\x7f\x01\x7f\x60\x01\x7f\x00" +
	"\x03\x04\x03\x00\x00\x01" +
	"\x05\x04\x01\x01\x01\x08" +
	"\x07\x1d\x04\x06memory\x02\x00\x04grow\x00\x00\x03get\x00\x01\x03inc\x00\x02" +
	"\x0a\x20\x03\x06\x00\x20\x00\x40\x00\x0b\x07\x00\x20\x00\x2d\x00\x00\x0b\x0f\x00\x20\x00\x20\x00\x2d\x00\x00\x41\x01\x6a\x3a\x00\x00\x0b")

// What wazero's compiled code sees is what the linear says it is.
func TestLinearServesWazero(t *testing.T) {
	eachMethod(t, func(t *testing.T, m method) {
		ctx := context.Background()
		engine := wazero.NewRuntime(ctx)
		defer engine.Close(ctx)
		code, err := engine.CompileModule(ctx, growing)
		if err != nil {
			t.Fatal(err)
		}
		im := testImage(t, m, bytes.Repeat([]byte{7}, 3*wasm.PageSize))
		l := openLinear(t, im, 5*wasm.PageSize)
		guest, err := engine.InstantiateModule(experimental.WithMemoryAllocator(ctx, l), code, wazero.NewModuleConfig())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := guest.Memory().Grow(2); !ok {
			t.Fatal("not grown to the image's size")
		}
		expect := func(function string, argument, want uint64) {
			t.Helper()
			got, err := guest.ExportedFunction(function).Call(ctx, argument)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) > 0 && got[0] != want {
				t.Fatalf("%s(%d) = %d, not %d", function, argument, int32(got[0]), int32(want))
			}
		}
		const last = 3*wasm.PageSize - 1
		for range 3 {
			expect("get", last, 7)
			expect("inc", last, 0)
			expect("get", last, 8)
			if same, err := l.reset(); !same || err != nil {
				t.Fatal(same, err)
			}
		}
		expect("inc", last, 0)
		expect("grow", 2, 3)
		expect("get", last, 8)
		expect("get", last+1, 0)
		expect("inc", 5*wasm.PageSize-1, 0)
		expect("grow", 1, 0xffffffff)
		if err := guest.Close(ctx); err != nil || !l.freed {
			t.Fatalf("closed, freed: %t, %v", l.freed, err)
		}
	})
}
