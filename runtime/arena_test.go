package runtime

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"
)

// The arena against a plain model: blocks keep what was put in them, are never
// shared while in use, stay within the limit, and forged handles do nothing.
func TestArenaAgainstAModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		m := &budget{limit: 1 << 20}
		a := arena{memory: m}
		model := map[uint64][]byte{}
		var handles []uint64
		for range 2000 {
			switch dice.IntN(10) {
			case 0, 1, 2, 3:
				content := make([]byte, dice.IntN(1<<dice.IntN(15)))
				for i := range content {
					content[i] = byte(dice.Uint32())
				}
				handle, ok := a.put(content)
				if !ok {
					if !m.exceeded {
						t.Fatal("refused within the limit")
					}
					continue
				}
				if len(content) == 0 {
					if handle != 0 {
						t.Fatal("an empty block has a handle")
					}
					continue
				}
				if _, taken := model[handle]; taken || handle == 0 {
					t.Fatalf("handle %d was given out twice", handle)
				}
				model[handle] = content
				handles = append(handles, handle)
			case 4, 5, 6:
				if len(handles) == 0 {
					continue
				}
				i := dice.IntN(len(handles))
				a.release(handles[i])
				delete(model, handles[i])
				handles = append(handles[:i], handles[i+1:]...)
			default:
				forged := dice.Uint64() >> dice.IntN(64)
				if _, ours := model[forged]; ours {
					continue
				}
				if a.block(forged) != nil {
					t.Fatalf("handle %d, never given out, has a block", forged)
				}
				a.release(forged)
				if forged >= uint64(len(a.bytes)) || forged < arenaAlign {
					a.store64(forged, 1)
					a.store8(forged, 1)
				}
				if forged >= uint64(len(a.bytes)) && a.load64(forged)+uint64(a.load8(forged)) != 0 {
					t.Fatalf("read at %d", forged)
				}
			}
		}
		for handle, content := range model {
			if !bytes.Equal(a.block(handle), content) {
				t.Fatalf("block %d changed", handle)
			}
		}
		if held := int64(len(a.bytes) + len(a.blocks)*blockRoom); held > m.limit || m.outside != held {
			t.Fatalf("%d bytes, %d counted, %d allowed", held, m.outside, m.limit)
		}
	}
}

func TestArenaSizes(t *testing.T) {
	a := arena{memory: &budget{limit: 1 << 20}}
	for _, length := range []uint64{1<<20 + 1, 1 << 40, 1<<64 - 1, 1<<64 - 1<<16} {
		if _, ok := a.alloc(length); ok {
			t.Errorf("%d bytes were given out", length)
		}
	}
	if _, ok := a.alloc(1<<20 - 64<<10); !ok {
		t.Error("what fits was refused")
	}
}
