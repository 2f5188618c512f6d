package cli

import (
	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
)

func newAdminUserPassword() *cobra.Command {
	var at where
	cmd := &cobra.Command{
		Use:   "password EMAIL",
		Short: "Give an account another password",
		Long: `Gives an account the first line of standard input as its password, and ends its
sessions: for somebody who lost theirs, or has none because they came with an
export of their workspace.`,
		Example: `  carrel admin user password ada@example.com < password.txt`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			email, ok := account.NormalEmail(args[0])
			if !ok {
				return usagef("%q is not an email address", args[0])
			}
			if isTerminal(cmd.InOrStdin()) {
				return usagef("the password is read from standard input, such as < password.txt, so that it isn't shown")
			}
			password, err := firstLine(cmd.InOrStdin())
			if err != nil {
				return err
			}
			if err := at.isThere(); err != nil {
				return err
			}
			return withAccounts(cmd.Context(), at, func(db account.Store, accounts *account.Service) error {
				whose, err := db.AccountByEmail(cmd.Context(), email)
				if core.KindOf(err) == core.NotFound {
					return core.E("cli.Password", core.NotFound, "There is no account %s. Make it with carrel admin user create.", email)
				}
				if err != nil {
					return err
				}
				return accounts.SetPassword(cmd.Context(), whose.ID, password)
			})
		},
	}
	at.flags(cmd)
	return cmd
}
