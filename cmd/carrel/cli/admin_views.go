package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store/postgres"
)

func newAdminViews() *cobra.Command {
	var (
		from   place
		url    string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "views PLUGIN...",
		Short: "Make readable views of plugins' tables in Postgres",
		Long: `Makes a view of each table of a plugin, with a column for each field, for reports
and for people who look at the data: carrel_views."publisher/plugin.table". Run it
again after a new release; a table that nobody has written to has no view yet.

The views give nobody a right. A superuser sees all workspaces in them; a role that
was made a member of carrel_tenant sees the one it names, and may write there, too:

  SELECT set_config('carrel.workspace', 'ws_…', false);`,
		Example: `  carrel admin views carrel/crm carrel/email --database-url postgres://carrel@db.internal/carrel --registry /mnt/shared/releases`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, plugins []string) (err error) {
			if url == "" {
				return usagef("views are made in a Postgres: name it with --database-url. The built-in store has none")
			}
			releases, err := from.registry(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, releases.close()) }()
			made := []string{}
			for _, plugin := range plugins {
				m, err := releases.manifest(cmd.Context(), plugin, "")
				if err != nil {
					return err
				}
				names, err := postgres.MakeViews(cmd.Context(), url, core.PluginID{Publisher: m.Publisher, Name: m.Name}, m.Tables)
				if err != nil {
					return err
				}
				made = append(made, names...)
			}
			if asJSON {
				return printJSON(cmd, map[string]any{"views": made})
			}
			for _, name := range made {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), name); err != nil {
					return err
				}
			}
			if len(made) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "No view was made: nothing was written to these tables yet.")
			}
			return nil
		},
	}
	from.flags(cmd)
	cmd.Flags().StringVar(&url, "database-url", "", "`URL` of the Postgres, as its tables' owner; safer in the environment")
	jsonFlag(cmd, &asJSON)
	alsoFromEnvironment(cmd, "database-url")
	return cmd
}
