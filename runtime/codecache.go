package runtime

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/carrel-dev/carrel/core"
)

// codeCache keeps compiled code on disk. What lies there is run as machine
// code, and wazero's own checksum does not cover all of it, so each file is
// sealed with a key of this directory and opened before wazero sees it:
//
//	key           32 random bytes, 0600
//	code/<hex>    one sealed file a module digest: seal, name, code
//	live-*/       wazero's own directory, empty but for the module being compiled
//
// Files are written beside their name, synced and renamed, so a crash leaves
// the old one or none. Any number of processes may share the directory.
type codeCache struct {
	wazero wazero.CompilationCache
	log    *slog.Logger
	key    []byte
	code   string // directory of the sealed files
	live   string // wazero's directory

	// One at a time, so that what appears in live belongs to this module. It
	// also bounds the memory compilers take.
	mu sync.Mutex
}

func openCodeCache(dir string, log *slog.Logger) (*codeCache, error) {
	c := &codeCache{log: log, code: filepath.Join(dir, "code")}
	if err := os.MkdirAll(c.code, 0o700); err != nil {
		return nil, err
	}
	var err error
	if c.key, err = cacheKey(filepath.Join(dir, "key")); err != nil {
		return nil, err
	}
	c.sweep(dir)
	live, err := os.MkdirTemp(dir, "live-")
	if err != nil {
		return nil, err
	}
	if c.wazero, err = wazero.NewCompilationCacheWithDir(live); err != nil {
		return nil, err
	}
	// wazero names a directory below its own after its version and the machine.
	entries, err := os.ReadDir(live)
	if err != nil || len(entries) != 1 {
		return nil, errors.Join(err, errors.New("wazero made no cache directory"))
	}
	c.live = filepath.Join(live, entries[0].Name())
	return c, nil
}

// cacheKey reads the key, or makes one; a key others could have read or
// changed is no key.
func cacheKey(path string) ([]byte, error) {
	for range 2 {
		info, err := os.Lstat(path)
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 == 0 {
			if key, err := os.ReadFile(path); err == nil && len(key) == 32 {
				return key, nil
			}
		}
		if err == nil {
			if err := os.Remove(path); err != nil {
				return nil, err
			}
		}
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		// Two processes may start at once: the link of the second fails, and it
		// reads the first one's key.
		if err := writeAtomically(path, key, os.Link); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return os.ReadFile(path)
}

// compile compiles a module, with the code on disk when it is there and
// unchanged.
func (c *codeCache) compile(ctx context.Context, runtime wazero.Runtime, digest core.Digest, module []byte) (wazero.CompiledModule, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.clear(); err != nil {
		return nil, err
	}
	defer func() { _ = c.clear() }()

	name, code := c.open(digest)
	if name != "" {
		if err := os.WriteFile(filepath.Join(c.live, name), code, 0o600); err != nil {
			c.log.Warn("compiled code cannot be used from disk", "digest", digest, "error", err)
		}
	}
	compiled, err := runtime.CompileModule(ctx, module)
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		// wazero compiled it, and failed to write the file. The second time it
		// finds the code in memory.
		c.log.Warn("compiled code cannot be kept on disk", "digest", digest, "error", err)
		compiled, err = runtime.CompileModule(ctx, module)
	}
	if err != nil {
		return nil, err
	}
	if err := c.keep(digest, code); err != nil {
		c.log.Warn("compiled code cannot be kept on disk", "digest", digest, "error", err)
	}
	return compiled, nil
}

// open returns the name and content of wazero's file for a digest, "" when
// there is none. One whose seal is broken is deleted.
func (c *codeCache) open(digest core.Digest) (name string, code []byte) {
	path := c.path(digest)
	sealed, err := os.ReadFile(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.log.Warn("compiled code cannot be read", "digest", digest, "error", err)
		}
		return "", nil
	}
	if len(sealed) > sha256.Size && hmac.Equal(sealed[:sha256.Size], c.seal(digest, sealed[sha256.Size:])) {
		if before, after, ok := bytes.Cut(sealed[sha256.Size:], []byte{0}); ok {
			return string(before), after
		}
	}
	c.log.Warn("compiled code on disk is damaged; compiling again", "digest", digest)
	if err := os.Remove(path); err != nil {
		c.log.Warn("damaged compiled code cannot be deleted", "digest", digest, "error", err)
	}
	return "", nil
}

// keep seals what wazero wrote for a digest, unless it is what was there.
func (c *codeCache) keep(digest core.Digest, had []byte) error {
	entries, err := os.ReadDir(c.live)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		code, err := os.ReadFile(filepath.Join(c.live, entry.Name()))
		if err != nil {
			return err
		}
		if len(had) > 0 && bytes.Equal(code, had) {
			continue
		}
		body := append(append([]byte(entry.Name()), 0), code...)
		if err := writeAtomically(c.path(digest), append(c.seal(digest, body), body...), os.Rename); err != nil {
			return err
		}
	}
	return nil
}

// seal binds a file's bytes to the digest they are for.
func (c *codeCache) seal(digest core.Digest, body []byte) []byte {
	mac := hmac.New(sha256.New, c.key)
	mac.Write([]byte(digest))
	mac.Write([]byte{0})
	mac.Write(body)
	return mac.Sum(nil)
}

func (c *codeCache) path(digest core.Digest) string {
	return filepath.Join(c.code, strings.TrimPrefix(string(digest), "sha256:"))
}

// clear empties wazero's directory, or makes it again.
func (c *codeCache) clear() error {
	if err := os.RemoveAll(c.live); err != nil {
		return err
	}
	return os.MkdirAll(c.live, 0o700)
}

// sweep deletes what processes left that were killed. A process that idled for
// longer makes its directory again.
func (c *codeCache) sweep(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, "live-*")) // the pattern is right
	for _, path := range left {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(path)
		}
	}
}

// Close frees wazero's code and removes this process's directory.
func (c *codeCache) Close(ctx context.Context) error {
	return errors.Join(c.wazero.Close(ctx), os.RemoveAll(filepath.Dir(c.live)))
}

// writeAtomically writes a file of this user's beside path and moves it there.
func writeAtomically(path string, content []byte, move func(from, to string) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // fails after a rename, as it should
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := move(file.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
