package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
)

func newRestore() *cobra.Command {
	var (
		at     app.Place
		ref    string
		lost   app.Lost
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:     "restore FILE",
		Short:   "Make a deployment of a backup",
		GroupID: "serve",
		Long: `Makes a deployment of a backup, in an empty data folder or an empty database
that no server uses. The file is read to its end before anything is changed, and
a restore that fails leaves nothing behind. The key that secrets are sealed with
has to be there first, as secret.key in the data folder or with
--secret-key-file. With --database-url, too, the releases go into the data folder
of this machine unless --registry names the folder that the servers share, and
the blobs unless --blobs does.

Deliveries that were due at the moment of the backup are due again: mail that
was sent since is sent a second time. API tokens that were revoked since are
valid again. Everybody has to sign in anew.

With --workspace it restores one workspace of a backup or an export into a
deployment that has others, which stay as they are. What is there of it is
replaced: its documents, settings, members, contract, usage and history. Its API
tokens stay as they are now. Members are found by their account or its email
address, and get an account without a password if they have none. The file says
which plan the workspace has: restore one you trust. The releases it uses have to be in the registry. A server must not be
using the data folder; those on a Postgres may go on.`,
		Example: `  mkdir /var/lib/carrel && cp secret.key /var/lib/carrel
  carrel restore carrel.tar --data /var/lib/carrel
  carrel restore carrel.tar --database-url postgres://carrel@db.internal/carrel \
    --registry /mnt/shared/releases --secret-key-file /etc/carrel/secret.key
  carrel restore carrel.tar --workspace acme`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			line := newProgress(cmd.ErrOrStderr(), args[0], 0)
			if ref != "" {
				ws, slug, from, err := app.RestoreWorkspace(cmd.Context(), at, args[0], ref, lost, line.rows)
				line.end()
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd, map[string]any{"id": ws, "slug": slug, "made": momentOf(from)})
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Restored the workspace %s (%s), as it was at %s.\n", slug, ws, momentOf(from))
				return nil
			}
			restored, err := app.Restore(cmd.Context(), at, args[0], lost, line.rows)
			line.end()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd, summaryOf(args[0], restored, 0))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Restored %s, as they were at %s.\n", contentOf(restored), momentOf(restored))
			return nil
		},
	}
	cmd.Flags().StringVar(&at.SecretKeyFile, "secret-key-file", "", "`file` of the key that the secrets are sealed with, instead of secret.key\nin the data folder")
	placeFlags(cmd, &at, "`folder` for the deployment, or for what it keeps beside its database", "secret-key-file")
	cmd.Flags().StringVar(&ref, "workspace", "", "`id` of the one workspace to restore, or the address it had")
	cmd.Flags().BoolVar(&lost.Key, "key-is-lost", false, "restore although nobody can open the secrets any more; admins set them again")
	cmd.Flags().BoolVar(&lost.Blobs, "blobs-are-lost", false, "restore although the bytes of some blobs are nowhere; plugins find none of these")
	jsonFlag(cmd, &asJSON)
	return cmd
}
