package runtime

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/carrel-dev/carrel/core"
)

// cache keeps artifacts on disk. What lies there is run as machine code, and
// wazero's own checksum does not cover all of it, so each file is sealed with a
// key of this directory and opened before anything looks into it:
//
//	key              32 random bytes, 0600
//	releases/<hex>   one sealed file a module digest: seal, artifact
//	live-*/          wazero's own directory, empty but for the module being loaded
//
// Files are written beside their name, synced and renamed, so a crash leaves
// the old one or none. Any number of processes may share the directory.
type cache struct {
	wazero   wazero.CompilationCache
	log      *slog.Logger
	key      []byte
	releases string // directory of the sealed files
	live     string // wazero's directory
	temp     string // the whole cache when it is to be gone with the process

	// One at a time, so that what appears in live belongs to this module.
	mu sync.Mutex
}

// openCache opens the cache in dir, or one that lives as long as the process.
func openCache(dir string, log *slog.Logger) (_ *cache, err error) {
	c := &cache{log: log}
	if dir == "" {
		if c.temp, err = os.MkdirTemp("", "carrel-cache-"); err != nil {
			return nil, err
		}
		dir = c.temp
	}
	defer func() {
		if err != nil && c.temp != "" {
			_ = os.RemoveAll(c.temp)
		}
	}()
	c.releases = filepath.Join(dir, "releases")
	if err := os.MkdirAll(c.releases, 0o700); err != nil {
		return nil, err
	}
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

// environment tells this wazero on this processor from every other: the name of
// the file it keeps for a module that is always the same. Code that was made in
// another environment would not be found by its name, and silently compiled
// here, in the process that serves.
func (c *cache) environment(ctx context.Context, in wazero.Runtime) (string, error) {
	empty := []byte("\x00asm\x01\x00\x00\x00")
	c.mu.Lock()
	defer c.mu.Unlock()
	compiled, err := in.CompileModule(ctx, empty)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.clear() }()
	files, err := os.ReadDir(c.live)
	if err != nil {
		return "", err
	}
	names := filepath.Base(c.live)
	for _, file := range files {
		names += " " + file.Name()
	}
	return names, compiled.Close(ctx)
}

// compile loads an artifact's code into a wazero runtime. Nothing is compiled:
// that was done when the artifact was made.
func (c *cache) compile(ctx context.Context, in wazero.Runtime, a *artifact) (wazero.CompiledModule, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.clear(); err != nil {
		return nil, err
	}
	defer func() { _ = c.clear() }()
	if a.CodeName == "" {
		return in.CompileModule(ctx, a.module)
	}
	file := filepath.Join(c.live, filepath.Base(a.CodeName))
	if err := os.WriteFile(file, a.code, 0o600); err != nil {
		return nil, err
	}
	compiled, err := in.CompileModule(ctx, a.module)
	if err != nil {
		return nil, err
	}
	// Had wazero not taken the file for the module's, it would have compiled the
	// shell, and written what it got.
	files, err := os.ReadDir(c.live)
	if err == nil && len(files) == 1 {
		var info fs.FileInfo
		if info, err = os.Stat(file); err == nil && info.Size() == int64(len(a.code)) {
			return compiled, nil
		}
	}
	return nil, errors.Join(errors.New("wazero did not take the code that was made for the module"), err, compiled.Close(ctx))
}

// open returns the artifact of a digest that was made as made says, nil when
// there is none. One whose seal is broken is deleted.
func (c *cache) open(digest core.Digest, made string) *artifact {
	path := c.path(digest)
	sealed, err := os.ReadFile(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.log.Warn("a compiled module cannot be read", "digest", digest, "error", err)
		}
		return nil
	}
	if body, ok := c.unseal(digest, sealed); ok {
		a, err := decodeArtifact(body)
		if err == nil && a.Made == made {
			now := time.Now()
			_ = os.Chtimes(path, now, now) // for trim; a disk that can't be written to keeps all
			return a
		}
		if err == nil {
			return nil // by another version of the engine, or for another machine
		}
	}
	c.log.Warn("a compiled module on disk is damaged; compiling it again", "digest", digest)
	if err := os.Remove(path); err != nil {
		c.log.Warn("a damaged compiled module cannot be deleted", "digest", digest, "error", err)
	}
	return nil
}

// keep seals an artifact. One that cannot be kept is made again next time.
func (c *cache) keep(digest core.Digest, a *artifact) {
	body, err := a.encode()
	if err == nil {
		err = writeAtomically(c.path(digest), append(c.seal(digest, body), body...), os.Rename)
	}
	if err != nil {
		c.log.Warn("a compiled module cannot be kept on disk", "digest", digest, "error", err)
	}
	c.trim(maxReleases)
}

// maxReleases is how many bytes of artifacts a cache keeps on disk. A small module
// can make a large one, and one that is refused as a release, once it was
// compiled, is kept all the same.
const maxReleases = 4 << 30

// trim deletes the artifacts that were opened longest ago until the others have
// at most so many bytes. They are made again when they are wanted.
func (c *cache) trim(most int64) {
	entries, err := os.ReadDir(c.releases)
	if err != nil {
		return // said already
	}
	var files []fs.FileInfo
	var bytes int64
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
			bytes += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for len(files) > 1 && bytes > most {
		if err := os.Remove(filepath.Join(c.releases, files[0].Name())); err != nil {
			c.log.Warn("an old compiled module cannot be deleted", "file", files[0].Name(), "error", err)
		}
		bytes -= files[0].Size()
		files = files[1:]
	}
}

// seal returns what stands before a file's bytes and binds them to the digest
// they are for: a nonce and a tag of AES-256-GCM that encrypts nothing (GMAC,
// NIST SP 800-38D), several times as fast as an HMAC over twenty megabytes. Each
// digest has a key of its own.
func (c *cache) seal(digest core.Digest, body []byte) []byte {
	nonce := make([]byte, sealNonce, sealSize)
	_, _ = rand.Read(nonce) // never fails
	return c.mac(digest).Seal(nonce, nonce, nil, body)
}

// unseal returns the bytes behind a seal that is right for them.
func (c *cache) unseal(digest core.Digest, file []byte) ([]byte, bool) {
	if len(file) < sealSize {
		return nil, false
	}
	body := file[sealSize:]
	_, err := c.mac(digest).Open(nil, file[:sealNonce], file[sealNonce:sealSize], body)
	return body, err == nil
}

// Bytes of a seal, and of the nonce it begins with.
const (
	sealNonce = 12
	sealSize  = sealNonce + 16
)

func (c *cache) mac(digest core.Digest) cipher.AEAD {
	key := hmac.New(sha256.New, c.key)
	key.Write([]byte(digest))
	block, err := aes.NewCipher(key.Sum(nil))
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	mac, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return mac
}

func (c *cache) path(digest core.Digest) string {
	return filepath.Join(c.releases, strings.TrimPrefix(string(digest), "sha256:"))
}

// clear empties wazero's directory, or makes it again.
func (c *cache) clear() error {
	if err := os.RemoveAll(c.live); err != nil {
		return err
	}
	return os.MkdirAll(c.live, 0o700)
}

// sweep deletes what processes left that were killed. A process that idled for
// longer makes its directory again.
func (c *cache) sweep(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, "live-*")) // the pattern is right
	for _, path := range left {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(path)
		}
	}
}

// Close frees wazero's code and removes this process's directory.
func (c *cache) Close(ctx context.Context) error {
	err := errors.Join(c.wazero.Close(ctx), os.RemoveAll(filepath.Dir(c.live)))
	if c.temp != "" {
		err = errors.Join(err, os.RemoveAll(c.temp))
	}
	return err
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
