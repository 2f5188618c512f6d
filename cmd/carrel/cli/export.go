package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
)

func newExport() *cobra.Command {
	var (
		at     app.Place
		file   string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:     "export WORKSPACE",
		Short:   "Write one workspace into a file",
		GroupID: "serve",
		Long: `Writes what a tenant may be given of its workspace, by its id or address, into
one file, as it is at one moment. Servers may be running. Secret settings, API
tokens and hashes of passwords are not in it. It can be restored with carrel
restore --workspace, here or in another deployment; its members have no
password there, unless they have an account.

What plugins keep is in it a second time, for people and other programs: in
documents/PUBLISHER/PLUGIN.TABLE.jsonl, a document a line. The files they keep are
in blobs.tar.`,
		Example: `  carrel export acme -o acme.tar
  tar xf acme.tar documents`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" {
				return usagef("where to? Name the file with --output")
			}
			line := newProgress(cmd.ErrOrStderr(), file, 0)
			made, size, err := app.Export(cmd.Context(), at, args[0], file, line.rows)
			line.end()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd, summaryOf(file, made, size))
			}
			counts := made.Rows()
			_, rows := totals(made)
			fmt.Fprintf(cmd.OutOrStdout(), "%s holds the workspace %s: %s, %s, %s in all, %s.\n", file, made.Slug,
				counted(int(counts["documents"]), "document"), counted(int(counts["members"]), "member"), counted(int(rows), "row"), sizeOf(size))
			return nil
		},
	}
	cmd.Flags().StringVar(&at.DataDir, "data", defaultData, "`folder` of a server's data, which may be running")
	cmd.Flags().StringVar(&at.DatabaseURL, "database-url", "", "`URL` of the Postgres that servers share, instead of the file in the data\nfolder")
	oneOrTheOther(cmd, "data", "database-url")
	blobsFlag(cmd, &at.Blobs)
	alsoFromEnvironment(cmd, "data", "database-url", "blobs")
	cmd.Flags().StringVarP(&file, "output", "o", "", "`file` to write, needed; what it was is replaced when the new one is whole")
	jsonFlag(cmd, &asJSON)
	return cmd
}
