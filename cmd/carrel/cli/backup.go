package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
	"github.com/carrel-dev/carrel/store/archive"
)

func newBackup() *cobra.Command {
	var (
		at      app.Place
		file    string
		without app.Without
		asJSON  bool
	)
	cmd := &cobra.Command{
		Use:     "backup",
		Short:   "Write all of a deployment into a file",
		GroupID: "serve",
		Long: `Writes all of a deployment (a server, or several on one Postgres) into one file,
as it is at one moment: accounts, workspaces, documents, deliveries, and the
releases in its registry if that is a folder, and blobs. Name the --registry and
the --blobs of the servers if they were given any. Servers may be running, and
wait for nothing. Restore it with carrel restore, on this kind of database or the
other one: that is how a deployment moves to Postgres.

The key that secret settings are sealed with is not in the file, which is why
nobody who finds it can read them. Keep secret.key somewhere else: without it
they are lost. Who is signed in is not in it either.`,
		Example: `  carrel backup --data /var/lib/carrel -o /backup/carrel-$(date +%F).tar
  carrel backup --database-url postgres://carrel@db.internal/carrel --registry /mnt/shared/releases -o carrel.tar`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usagef("where to? Name the file with --output")
			}
			line := newProgress(cmd.ErrOrStderr(), file, 0)
			made, size, err := app.Backup(cmd.Context(), at, file, without, line.rows)
			line.end()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd, summaryOf(file, made, size))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s holds %s, %s.\n", file, contentOf(made), sizeOf(size))
			return nil
		},
	}
	placeFlags(cmd, &at, "`folder` of a server's data, which may be running")
	cmd.Flags().StringVarP(&file, "output", "o", "", "`file` to write, needed; what it was is replaced when the new one is whole")
	cmd.Flags().BoolVar(&without.Registry, "without-registry", false, "leave the releases out, such as when they are kept elsewhere")
	cmd.Flags().BoolVar(&without.Blobs, "without-blobs", false, "leave the bytes of blobs out, such as when their bucket is backed up by itself")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// placeFlags adds the flags that say where a deployment is. Others of the command
// may be in the environment, too.
func placeFlags(cmd *cobra.Command, at *app.Place, data string, also ...string) {
	cmd.Flags().StringVar(&at.DataDir, "data", defaultData, data)
	cmd.Flags().StringVar(&at.DatabaseURL, "database-url", "", "`URL` of the Postgres that servers share, instead of the file in the data\nfolder")
	registryFlag(cmd, &at.Registry)
	blobsFlag(cmd, &at.Blobs)
	alsoFromEnvironment(cmd, append(also, "data", "database-url", "registry", "blobs")...)
}

// rows is an archive.Progress.
func (p *progress) rows(table string, rows int64) { p.say(fmt.Sprintf("%s, %d rows", table, rows)) }

// summary is what became of an archive, for programs.
type summary struct {
	File  string           `json:"file"`
	Size  int64            `json:"size,omitempty"` // in bytes
	Made  string           `json:"made"`
	Files int              `json:"files"` // of the registry
	Rows  map[string]int64 `json:"rows"`
}

func summaryOf(file string, m archive.Manifest, size int64) summary {
	files, _ := totals(m)
	return summary{file, size, momentOf(m), files, m.Rows()}
}

// momentOf is when an archive was made.
func momentOf(m archive.Manifest) string { return m.Made.Format("2006-01-02T15:04:05Z") }

// totals counts the files that hold neither a table nor blobs, and the rows of those that do.
func totals(m archive.Manifest) (files int, rows int64) {
	for _, member := range m.Members {
		if member.Table == "" && member.Name != archive.BlobsName {
			files++
		}
		rows += member.Rows
	}
	return files, rows
}

func contentOf(m archive.Manifest) string {
	files, rows := totals(m)
	counts := m.Rows()
	return fmt.Sprintf("%s, %s, %s in all, and %s of the registry",
		counted(int(counts["workspaces"]), "workspace"), counted(int(counts["accounts"]), "account"), counted(int(rows), "row"), counted(files, "file"))
}
