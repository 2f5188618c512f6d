package main

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
)

// carrel is a server as an operator has it: the plugin published, a workspace on a
// plan with it installed, and a member's API token. Each request goes through all
// of that, and through an instance that is as it was before the one before.
type carrel struct {
	process
	programs programs
	postgres *postgres // nil: its data is a file in its folder
	binary   string
	token    string
}

const (
	workspace = "reading-room"
	ownEmail  = "owner@example.com"

	// plans has one, with a quota and a limit, as an operator's would.
	plans = `{"plans": [{"id": "desk", "title": "Desk", "summary": "A desk", "price": {"amount": 900, "currency": "EUR"},
		"plugins": ["desk"], "quotas": {"core.members": 5}, "limits": {"fuel": 2000000000}}]}`
)

func (c *carrel) start(ctx context.Context, dir string) (err error) {
	if c.binary, err = c.programs.build("carrel", "..", "./cmd/carrel"); err != nil {
		return err
	}
	plugin, err := c.programs.once("desk.wasm", ".", c.binary, "plugin", "build", "guests/desk", "-o", filepath.Join(string(c.programs), "desk.wasm"))
	if err != nil {
		return err
	}
	data, planned := filepath.Join(dir, "data"), filepath.Join(dir, "plans.json")
	if err := os.WriteFile(planned, []byte(plans), 0o600); err != nil {
		return err
	}
	kept, serve := []string{"--data", data}, []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--plans", planned}
	if c.postgres != nil {
		url, err := c.postgres.database(ctx, "carrel")
		if err != nil {
			return err
		}
		kept, serve = []string{"--database-url", url}, append(serve, "--database-url", url)
	}
	if _, err := c.admin(ctx, "a password nobody needs\n", slices.Concat([]string{"admin", "user", "create", ownEmail, "--name", "Owner", "--operator"}, kept)...); err != nil {
		return err
	}
	token, err := c.admin(ctx, "", slices.Concat([]string{"admin", "token", "create", ownEmail}, kept)...)
	if err != nil {
		return err
	}
	c.token = strings.TrimSpace(token)
	if _, err := c.admin(ctx, "", "plugin", "publish", "--data", data, plugin); err != nil {
		return err
	}
	if err := c.launch(ctx, dir, c.binary, serve...); err != nil {
		return err
	}
	if err := c.post(ctx, "/api/v1/workspaces", map[string]any{"name": "Reading room", "slug": workspace, "plan": "desk"}); err != nil {
		return err
	}
	return c.post(ctx, "/api/v1/workspaces/"+workspace+"/installations",
		map[string]any{"plugin": "carrel/desk", "grants": []any{map[string]any{"capability": "data"}}})
}

// admin runs one of carrel's commands and answers what it printed.
func (c *carrel) admin(ctx context.Context, input string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, c.binary, arguments...)
	var refused bytes.Buffer
	command.Stdin, command.Stderr = strings.NewReader(input), &refused
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", command, err, &refused)
	}
	return string(out), nil
}

// post asks the platform's API for something, which it must create.
func (c *carrel) post(ctx context.Context, path string, what any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.address+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusCreated {
		err = fmt.Errorf("POST %s: %s: %s", path, response.Status, answer)
	}
	return err
}

func (c *carrel) ask(w work) ask {
	return ask{path: "/w/" + workspace + "/desk" + map[string]string{
		hook.name: "/receipt", insert.name: "/arrivals", list20.name: "/contacts?limit=20", seed.name: "/contacts",
	}[w.name], token: c.token, status: statusOf(w)}
}

// statusOf is what everybody answers.
func statusOf(w work) int {
	if w.name == insert.name || w.name == seed.name {
		return http.StatusCreated
	}
	return http.StatusOK
}
