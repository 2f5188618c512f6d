package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// Programs is the folder of what is built, each once. None needs C.
type Programs string

// Build builds a command of the module in a folder, and answers where it is.
func (p Programs) Build(name, module, command string) (string, error) {
	return p.Once(name, module, "go", "build", "-o", filepath.Join(string(p), name), command)
}

// Once runs the command that makes a file of the folder, unless it is there.
func (p Programs) Once(name, dir, maker string, arguments ...string) (string, error) {
	file := filepath.Join(string(p), name)
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	command := exec.Command(maker, arguments...)
	command.Dir, command.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	return file, nil
}
