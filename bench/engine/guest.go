package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// guest is one guest, built twice from one source.
type guest struct {
	name   string // go, as or c
	extism []byte // over Extism's PDK: what every way runs
	bulk   []byte // over carrel:host/v1: what Carrel runs to echo
}

// files are where its modules are kept.
func (g *guest) files(dir string) (extism, bulk string) {
	return filepath.Join(dir, g.name+"-extism.wasm"), filepath.Join(dir, g.name+"-bulk.wasm")
}

// errNoTool marks a guest that cannot be built here.
var errNoTool = errors.New("is not installed")

// buildGuest builds one guest into dir, or takes what an earlier build left.
func buildGuest(name, dir string) (*guest, error) {
	g := &guest{name: name}
	extism, bulk := g.files(dir)
	if !exists(extism) || !exists(bulk) {
		if err := guestBuilds[name](dir, extism, bulk); err != nil {
			return nil, fmt.Errorf("the guest %s: %w", name, err)
		}
	}
	var err, err2 error
	g.extism, err = os.ReadFile(extism)
	g.bulk, err2 = os.ReadFile(bulk)
	return g, errors.Join(err, err2)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

var guestBuilds = map[string]func(dir, extism, bulk string) error{"go": buildGo, "as": buildAS, "c": buildC}

func buildGo(_, extism, bulk string) error {
	return errors.Join(
		goBuild(extism, "./guests/go"),
		goBuild(bulk, "-tags", "carrel", "./guests/go"),
	)
}

// goBuild builds a guest in plain Go. What follows out are arguments of `go build`.
func goBuild(out string, arguments ...string) error {
	arguments = append([]string{"build", "-buildmode=c-shared", "-o", out}, arguments...)
	return run(".", []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}, "go", arguments...)
}

func buildC(_, extism, bulk string) error {
	compiler := "clang"
	if _, err := exec.LookPath("clang-16"); err == nil {
		compiler = "clang-16" // Debian's
	}
	arguments := []string{"--target=wasm32-wasi", "-O2", "-mexec-model=reactor", "guests/c/guest.c", "-o"}
	return errors.Join(
		run(".", nil, compiler, append(arguments, extism)...),
		run(".", nil, compiler, append(arguments, bulk, "-DCARREL")...),
	)
}

func buildAS(dir, extism, bulk string) error {
	// Into a copy, so that the repository holds no node_modules.
	work := filepath.Join(dir, "as")
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	if err := os.CopyFS(work, os.DirFS("guests/as")); err != nil {
		return err
	}
	if err := run(work, nil, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
		return err
	}
	return errors.Join(
		run(work, nil, "npx", "asc", "extism.ts", "--outFile", extism, "--use", "abort=work/abort", "-O"),
		run(work, nil, "npx", "asc", "carrel.ts", "--outFile", bulk, "--use", "abort=work/abort", "-O"),
	)
}

func run(dir string, env []string, name string, arguments ...string) error {
	if _, err := exec.LookPath(name); err != nil {
		return fmt.Errorf("%s %w", name, errNoTool)
	}
	cmd := exec.Command(name, arguments...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}
