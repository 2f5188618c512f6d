package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
)

func TestFlagsGoBeforeTheEnvironmentAndThatBeforeTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "carrel.json")
	if err := os.WriteFile(file, []byte(`{"addr": "file", "data": "file", "limit": 1000000}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args               []string
		env                map[string]string
		addr, data, server string
		limit              int
	}{
		"nothing":              {nil, nil, "default", "default", "", 0},
		"the file":             {[]string{"--config", file}, nil, "file", "file", "", 1000000},
		"the file, by name":    {nil, map[string]string{"CARREL_CONFIG": file}, "file", "file", "", 1000000},
		"the environment":      {[]string{"--config", file}, map[string]string{"CARREL_ADDR": "env", "CARREL_LIMIT": "2"}, "env", "file", "", 2},
		"an empty environment": {nil, map[string]string{"CARREL_ADDR": ""}, "default", "default", "", 0},
		"the flag":             {[]string{"--config", file, "--addr", "flag"}, map[string]string{"CARREL_ADDR": "env"}, "flag", "file", "", 1000000},
		"not the other place":  {[]string{"--data", "flag"}, map[string]string{"CARREL_SERVER": "env"}, "default", "flag", "", 0},
		"nor a third":          {[]string{"--server", "flag"}, map[string]string{"CARREL_REGISTRY": "env"}, "default", "default", "flag", 0},
		"nor the other way":    {[]string{"--server", "flag"}, map[string]string{"CARREL_DATA": "env"}, "default", "default", "flag", 0},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range c.env {
				t.Setenv(variable, value)
			}
			cmd := &cobra.Command{Use: "test", PreRunE: func(cmd *cobra.Command, _ []string) error { return readFlags(cmd) }, Run: func(*cobra.Command, []string) {}}
			addr := cmd.Flags().String("addr", "default", "")
			data := cmd.Flags().String("data", "default", "")
			server := cmd.Flags().String("server", "", "")
			limit := cmd.Flags().Int("limit", 0, "")
			cmd.Flags().String("config", "", "")
			alsoFromEnvironment(cmd, "addr", "data", "server", "limit", "config")
			oneOrTheOther(cmd, "data", "server")
			cmd.SetArgs(c.args)
			if err := cmd.Execute(); err != nil {
				t.Fatal(err)
			}
			if *addr != c.addr || *data != c.data || *server != c.server || *limit != c.limit {
				t.Errorf("addr %q, data %q, server %q, limit %d", *addr, *data, *server, *limit)
			}
		})
	}
}

func TestEveryCommandHelpsItsReader(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Long == "" || cmd.Args == nil || cmd.RunE == nil {
			t.Errorf("%s lacks a short or a long text, a check of its arguments, or something to do", cmd.CommandPath())
		}
		if !cmd.HasSubCommands() && cmd.Example == "" && cmd.Name() != "version" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
}
