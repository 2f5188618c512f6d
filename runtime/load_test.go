package runtime

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

// refused loads a module that must be refused and returns why.
func refused(t *testing.T, module []byte) string {
	t.Helper()
	_, err := shared().LoadBytes(t.Context(), module)
	if core.KindOf(err) != core.Invalid {
		t.Fatalf("got %v, want a refusal", err)
	}
	return core.MessageOf(err)
}

// Every byte changed, and every length: the digest is checked before the
// module is read.
func TestAttack38_DigestIsCheckedAtLoad(t *testing.T) {
	module := answering("hello")
	digest := DigestOf(module)
	e := newEngine(t, Config{})
	for i := range module {
		changed := bytes.Clone(module)
		changed[i] ^= 0x20
		for _, bad := range [][]byte{changed, module[:i]} {
			read := func(context.Context) ([]byte, error) { return bad, nil }
			if _, err := e.Load(t.Context(), digest, read); core.KindOf(err) != core.Invalid || !strings.Contains(err.Error(), "digest") {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
	}
	if e.Loaded(digest) != nil {
		t.Fatal("a refused module was kept")
	}
	m := load(t, e, module)
	if got := must(t, e.Run(t.Context(), m, Call{Function: ExportCall})); got != "hello" {
		t.Error(got)
	}
}

func TestVersionHandshake(t *testing.T) {
	call := asmFunc{name: ExportCall, signature: ":i", code: i32Const(0)}
	for _, c := range []struct {
		name   string
		module asm
		says   []string
	}{
		{"other version", asm{funcs: []asmFunc{speaks(2), call}}, []string{"version 2", "version 1", "SDK"}},
		{"negative version", asm{funcs: []asmFunc{speaks(-1), call}}, []string{"version -1", "version 1"}},
		{"missing", asm{funcs: []asmFunc{call}}, []string{"version 1", "Export carrel_abi"}},
		{"missing, imports only", asm{imports: carrelImports[:1]}, []string{"version 1", "Export carrel_abi"}},
		{"another signature", asm{funcs: []asmFunc{{name: ExportABI, signature: "i:i", code: i32Const(1)}, call}}, []string{"(i32) -> (i32)", "() -> (i32)"}},
		{"traps", asm{funcs: []asmFunc{{name: ExportABI, signature: ":i", code: []byte{0x00}}, call}}, []string{"could not be started", "unreachable"}},
		{"imports another version", asm{imports: []asmFunc{{module: "carrel:host/v7", name: "call", signature: "i:I"}}}, []string{`version "7"`, "version 1", "SDK"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			message := refused(t, c.module.bytes())
			for _, s := range c.says {
				if !strings.Contains(message, s) {
					t.Errorf("%q does not say %q", message, s)
				}
			}
		})
	}
}

func TestImportsNobodyOffers(t *testing.T) {
	for _, c := range []struct {
		module, name, signature string
		says                    []string
	}{
		{"env", "emscripten_notify", "i", []string{"env.emscripten_notify", "no one offers", "carrel:host/v1, extism:host/env, wasi_snapshot_preview1"}},
		{"extism:host/user", "kv_read", "I:I", []string{"extism:host/user.kv_read", "no one offers"}},
		{"wasi_snapshot_preview1", "fd_dance", "i:i", []string{"wasi_snapshot_preview1.fd_dance", "does not exist"}},
		{"wasi_unstable", "fd_write", "iiii:i", []string{"wasi_unstable.fd_write", "no one offers"}},
		{"extism:host/env", "length", "i:i", []string{"extism:host/env.length", "(i32) -> (i32)", "(i64) -> (i64)"}},
		{"carrel:host/v1", "read", "ii", []string{"carrel:host/v1.read", "(i32, i32) -> ()", "(i32, i32) -> (i32)"}},
		{strings.Repeat("m", 5000), "f", "", []string{"no one offers"}},
	} {
		message := refused(t, asm{imports: []asmFunc{{module: c.module, name: c.name, signature: c.signature}}}.bytes())
		for _, s := range c.says {
			if !strings.Contains(message, s) {
				t.Errorf("%q does not say %q", message, s)
			}
		}
		if len(message) > 500 {
			t.Errorf("a message of %d bytes", len(message))
		}
	}
}

func TestImportsThatAreNoFunctions(t *testing.T) {
	for kind, description := range map[byte][]byte{2: {0, 1}, 3: {0x7f, 0}, 1: {0x70, 0, 1}} {
		body := vector(slices.Concat(text("extism:host/env"), text("alloc"), []byte{kind}, description))
		module := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), section(2, body))
		if message := refused(t, module); !strings.Contains(message, "does not exist") {
			t.Errorf("kind %d: %q", kind, message)
		}
	}
}

func TestNoModule(t *testing.T) {
	for _, bad := range []string{"", "hello", "\x00asm", "\x00asm\x02\x00\x00\x00", "\x00asm\x0d\x00\x01\x00", "\x00asm\x01\x00\x00\x00\x63\x00"} {
		if message := refused(t, []byte(bad)); !strings.Contains(message, "module") {
			t.Errorf("%q: %q", bad, message)
		}
	}
}

// The 4 GiB memory, and the bombs of one number.
func TestAttack19_MemoryAtStart(t *testing.T) {
	for _, n := range []uint32{65536, 65535, 1025} {
		if message := refused(t, asm{memory: pages(n)}.bytes()); !strings.Contains(message, "64 MiB") {
			t.Errorf("%d pages: %q", n, message)
		}
	}
	load(t, shared(), asm{memory: pages(1024)}.bytes())
}

func TestAttack22_DeclaredCounts(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	head := []byte("\x00asm\x01\x00\x00\x00")
	locals := asm{funcs: []asmFunc{{name: "f", locals: slices.Concat(u32(1), u32(100_000_000), []byte{0x7e})}}}
	parameters := slices.Concat(head, section(1, slices.Concat(u32(1), []byte{0x60}, u32(300), bytes.Repeat([]byte{0x7f}, 300), u32(0))))
	for name, module := range map[string][]byte{
		"imports":    slices.Concat(head, section(2, huge)),
		"types":      slices.Concat(head, section(1, huge)),
		"functions":  slices.Concat(head, section(3, huge)),
		"exports":    slices.Concat(head, section(7, huge)),
		"bodies":     slices.Concat(head, section(10, huge)),
		"size":       slices.Concat(head, []byte{1}, huge),
		"locals":     locals.bytes(),
		"parameters": parameters,
		"table":      asm{table: append([]byte{0}, huge...)}.bytes(),
		"too large":  make([]byte, 33<<20),
	} {
		t.Run(name, func(t *testing.T) {
			message := refused(t, module)
			if !strings.Contains(message, "at byte") && name != "too large" || !strings.Contains(message, "refused") {
				t.Errorf("%q", message)
			}
		})
	}
}

func TestLoadOnceForAll(t *testing.T) {
	e := newEngine(t, Config{})
	module := guestCExtism(t)
	loaded := make([]*Module, 16)
	var group sync.WaitGroup
	for i := range loaded {
		group.Go(func() {
			m, err := e.LoadBytes(context.Background(), module)
			if err != nil {
				t.Error(err)
			}
			loaded[i] = m
		})
	}
	group.Wait()
	for _, m := range loaded {
		if m == nil || m != loaded[0] {
			t.Fatal("loaded more than once")
		}
	}
}
