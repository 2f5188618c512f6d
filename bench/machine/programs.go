package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// programs is the folder of what the contenders are built into, each once. None
// needs C.
type programs string

// build builds a command of the module in a folder, and answers where it is.
func (p programs) build(name, module, command string) (string, error) {
	return p.once(name, module, "go", "build", "-o", filepath.Join(string(p), name), command)
}

// once runs the command that makes a file of the folder, unless it is there.
func (p programs) once(name, dir, maker string, arguments ...string) (string, error) {
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
