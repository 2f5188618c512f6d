package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
)

func newAdminWorkspaceDelete() *cobra.Command {
	var (
		at      app.Place
		confirm string
		asJSON  bool
	)
	cmd := &cobra.Command{
		Use:   "delete WORKSPACE",
		Short: "Erase a workspace",
		Long: `Erases a workspace, by its id or address, and everything in it, for good, and
prints a receipt: how many rows of it each table had, and how many were found
afterwards, which is none. The files that plugins kept in it go, too: name the
--blobs of the servers if they were given any. The accounts of its members stay;
they are nobody's but theirs.

In a data folder nothing of it is left in the database's files. Postgres writes
over deleted rows when it vacuums. Exports, and backups for as long as they are
kept, still have it.`,
		Example: `  carrel admin workspace delete acme --confirm acme`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			receipt, err := app.Erase(cmd.Context(), at, args[0], confirm)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd, receipt)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Erased the workspace %s (%s):\n", receipt.Slug, receipt.Workspace)
			for _, table := range slices.Sorted(maps.Keys(receipt.Erased)) {
				fmt.Fprintf(cmd.OutOrStdout(), "%10d  %s\n", receipt.Erased[table], table)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%10d  left\n", receipt.Left)
			fmt.Fprintf(cmd.OutOrStdout(), "%10d  objects of blobs erased, too\n", receipt.Objects)
			return nil
		},
	}
	cmd.Flags().StringVar(&at.DataDir, "data", defaultData, "`folder` of a stopped server's data")
	cmd.Flags().StringVar(&at.DatabaseURL, "database-url", "", "`URL` of the Postgres that servers share, which may be running")
	blobsFlag(cmd, &at.Blobs)
	oneOrTheOther(cmd, "data", "database-url")
	alsoFromEnvironment(cmd, "data", "database-url", "blobs")
	cmd.Flags().StringVar(&confirm, "confirm", "", "the workspace's `address`, to say that it is this one, needed")
	jsonFlag(cmd, &asJSON)
	return cmd
}
