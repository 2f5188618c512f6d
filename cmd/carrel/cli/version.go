package cli

import (
	"cmp"
	"fmt"
	goruntime "runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
	"github.com/carrel-dev/carrel/core/abi"
)

// build says which carrel this is.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source, with + when it was changed
	ABI      int    `json:"abi"`                // of the contract with guests
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which carrel this is",
		Long:  "Says which carrel this is, and which version of the contract with plugins it speaks.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := thisBuild()
			if asJSON {
				return printJSON(cmd, b)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), b)
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (b build) String() string {
	return fmt.Sprintf("carrel %s, revision %s, plugin contract %d, %s, %s",
		b.Version, cmp.Or(b.Revision, "unknown"), b.ABI, b.Go, b.Platform)
}

func thisBuild() build {
	b := build{Version: app.Version, ABI: abi.Version, Go: goruntime.Version(), Platform: goruntime.GOOS + "/" + goruntime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	changed := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	b.Revision += changed
	return b
}
