package carrel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/bench/client"
	"github.com/carrel-dev/carrel/bench/machine"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/runtime"
)

// OwnerEmail is the address of the operator, who owns every workspace.
const OwnerEmail = "owner@example.com"

// Server is a server as an operator has it: plugins published, a file of plans, and
// an operator with an API token. Each request goes through all of that, and through
// an instance that is as it was before the one before.
type Server struct {
	machine.Process
	Programs machine.Programs
	Postgres *machine.Postgres // nil: its data is a file in its folder
	Database string            // its name in Postgres
	Plugins  []string          // the folders of their sources
	Plans    string            // JSON

	dir    string
	binary string
	url    string   // of its database
	kept   []string // the flags that say where its data is
	grants map[string][]core.Grant
	token  string
}

// Prepare makes everything there is before the server runs, in an empty folder.
func (s *Server) Prepare(ctx context.Context, dir string) (err error) {
	if s.binary, err = s.Programs.Build("carrel", "..", "./cmd/carrel"); err != nil {
		return err
	}
	s.dir, s.grants = dir, map[string][]core.Grant{}
	s.kept = []string{"--data", s.Data()}
	if err := os.WriteFile(s.planned(), []byte(s.Plans), 0o600); err != nil {
		return err
	}
	if s.Postgres != nil {
		if s.url, err = s.Postgres.Database(ctx, s.Database); err != nil {
			return err
		}
		s.kept = []string{"--database-url", s.url}
	}
	if _, err := s.Command(ctx, "a password nobody needs\n",
		slices.Concat([]string{"admin", "user", "create", OwnerEmail, "--name", "Owner", "--operator"}, s.kept)...); err != nil {
		return err
	}
	token, err := s.Command(ctx, "", slices.Concat([]string{"admin", "token", "create", OwnerEmail}, s.kept)...)
	if err != nil {
		return err
	}
	s.token = strings.TrimSpace(token)
	for _, source := range s.Plugins {
		if err := s.publish(ctx, source); err != nil {
			return err
		}
	}
	return nil
}

// publish builds a plugin, publishes it, and notes what it asks for.
func (s *Server) publish(ctx context.Context, source string) error {
	name := filepath.Base(source)
	module, err := s.Programs.Once(name+".wasm", ".", s.binary, "plugin", "build", source, "-o", filepath.Join(string(s.Programs), name+".wasm"))
	if err != nil {
		return err
	}
	bytes, err := os.ReadFile(module)
	if err != nil {
		return err
	}
	about, err := runtime.Inspect(bytes)
	if err != nil {
		return err
	}
	manifest, err := core.DecodeManifest("bench.Publish", about.Manifest)
	if err != nil {
		return err
	}
	s.grants[name] = []core.Grant{}
	for _, asked := range core.Requests(&manifest) {
		s.grants[name] = append(s.grants[name], core.Grant{Capability: asked.Name, Hosts: asked.Hosts, Events: asked.Events, Domains: asked.Domains})
	}
	_, err = s.Command(ctx, "", "plugin", "publish", "--data", s.Data(), module)
	return err
}

// Serve starts the server, and returns when it says where it is.
func (s *Server) Serve(ctx context.Context) error {
	serve := []string{"serve", "--addr", "127.0.0.1:0", "--data", s.Data(), "--plans", s.planned()}
	if s.Postgres != nil {
		serve = append(serve, s.kept...)
	}
	return s.Launch(ctx, s.dir, s.binary, serve...)
}

// Published are the names of the plugins.
func (s *Server) Published() (names []string) {
	for _, source := range s.Plugins {
		names = append(names, filepath.Base(source))
	}
	return names
}

// URL is its database's; empty: it is a file in the data folder.
func (s *Server) URL() string { return s.url }

// Data is the server's data folder.
func (s *Server) Data() string { return filepath.Join(s.dir, "data") }

func (s *Server) planned() string { return filepath.Join(s.dir, "plans.json") }

// Command runs one of carrel's commands and answers what it printed.
func (s *Server) Command(ctx context.Context, input string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, s.binary, arguments...)
	var refused bytes.Buffer
	command.Stdin, command.Stderr = strings.NewReader(input), &refused
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", command, err, &refused)
	}
	return string(out), nil
}

// Workspace makes a workspace on a plan, with plugins installed that were
// published, all they ask for granted.
func (s *Server) Workspace(ctx context.Context, slug, plan string, plugins ...string) error {
	if err := s.post(ctx, "/api/v1/workspaces", map[string]any{"name": slug, "slug": slug, "plan": plan}); err != nil {
		return err
	}
	for _, plugin := range plugins {
		if err := s.post(ctx, "/api/v1/workspaces/"+slug+"/installations", map[string]any{"plugin": plugin, "grants": s.grants[plugin]}); err != nil {
			return err
		}
	}
	return nil
}

// post asks the platform's API for something, which it must create.
func (s *Server) post(ctx context.Context, path string, what any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return s.call(ctx, http.MethodPost, path, body, http.StatusCreated)
}

func (s *Server) call(ctx context.Context, method, path string, body []byte, status int) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.Host()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != status {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	return err
}

// Delete deletes a workspace.
func (s *Server) Delete(ctx context.Context, slug string) error {
	return s.call(ctx, http.MethodDelete, "/api/v1/workspaces/"+slug+"?slug="+slug, nil, http.StatusNoContent)
}

// Ask is how the plugin desk of a workspace is asked for a kind of work.
func (s *Server) Ask(workspace string, w client.Work) client.Ask {
	a := s.AskOf(workspace, "desk", client.Path(w))
	a.Status = client.Status(w)
	return a
}

// AskOf is how any plugin of a workspace is asked for something it answers with
// status 200.
func (s *Server) AskOf(workspace, plugin, path string) client.Ask {
	return client.Ask{Path: "/w/" + workspace + "/" + plugin + path, Token: s.token, Status: http.StatusOK}
}
