package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newPluginYank() *cobra.Command {
	var (
		at     place
		undo   bool
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "yank PLUGIN VERSION",
		Short: "Take a release out of the marketplace",
		Long: `Marks a release so that it is not installed any more unless it is named.
Nothing is deleted: workspaces that have it keep running it. --undo takes the
mark away. PLUGIN is a plugin's name, or publisher/name.`,
		Example: `  carrel plugin yank crm 1.2.0
  carrel plugin yank carrel/crm 1.2.0 --undo --server https://carrel.example.com`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := at.thereIs(); err != nil {
				return err
			}
			at, err := at.registry(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, at.close()) }()
			p, err := at.yank(cmd.Context(), args[0], args[1], !undo)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd, p)
			}
			state := "yanked"
			if !p.Yanked {
				state = "offered"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", p.plugin(), state)
			return err
		},
	}
	at.flags(cmd)
	cmd.Flags().BoolVar(&undo, "undo", false, "take the mark away")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// cutPlugin cuts publisher/name; a name alone has no publisher.
func cutPlugin(plugin string) (publisher, name string, qualified bool) {
	publisher, name, qualified = strings.Cut(plugin, "/")
	if !qualified {
		return "", plugin, false
	}
	return publisher, name, true
}
