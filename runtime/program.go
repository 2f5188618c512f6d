package runtime

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io"
	"os"
)

// program names this program's build. Its size and date would not do: builds
// that are to be reproducible are given a date, and two builds can be as large.
func program() (string, error) {
	path := executable()
	if id := buildID(path); id != "" {
		return id, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // it was only read
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", hash.Sum(nil)), nil
}

// buildID returns the hash of everything a program was built from, which Go's
// linker writes into a note; "" when there is none, or the file is no ELF.
func buildID(path string) string {
	file, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close() //nolint:errcheck // it was only read
	section := file.Section(".note.go.buildid")
	if section == nil {
		return ""
	}
	note, err := section.Data()
	if err != nil {
		return ""
	}
	// Sizes of name and description, the type, the name "Go\x00\x00", the id.
	const head = 16
	if len(note) <= head || !bytes.HasPrefix(note[head-4:], []byte("Go\x00\x00")) {
		return ""
	}
	return string(bytes.TrimRight(note[head:], "\x00"))
}
