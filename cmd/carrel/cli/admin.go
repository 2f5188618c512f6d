package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/cmd/carrel/app"
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/account"
)

func newAdmin() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "admin",
		Short:   "Administer a server's data",
		GroupID: "serve",
		Long: `Administers the data folder of a server that is not running, or the Postgres of
servers that may be: to prepare them without a browser, to let somebody in
again, to erase a workspace, or to look at plugins' data. Whoever can write there may do everything, so no account is needed.`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	user := &cobra.Command{Use: "user", Short: "Make accounts, and give them passwords", Long: "Makes accounts, and gives them passwords.", Args: cobra.ArbitraryArgs, RunE: group}
	user.AddCommand(newAdminUserCreate(), newAdminUserPassword())
	token := &cobra.Command{Use: "token", Short: "Make API tokens", Long: "Makes API tokens.", Args: cobra.ArbitraryArgs, RunE: group}
	token.AddCommand(newAdminTokenCreate())
	workspace := &cobra.Command{Use: "workspace", Short: "Erase workspaces", Long: "Erases workspaces.", Args: cobra.ArbitraryArgs, RunE: group}
	workspace.AddCommand(newAdminWorkspaceDelete())
	cmd.AddCommand(user, token, workspace, newAdminViews())
	return cmd
}

func newAdminUserCreate() *cobra.Command {
	var (
		at               where
		name             string
		operator, asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "create EMAIL",
		Short: "Make an account",
		Long: `Makes an account, with the first line of standard input as its password. An
operator's account may publish plugins and administer the server.`,
		Example: `  carrel admin user create ada@example.com --name "Ada Lovelace" --operator < password.txt`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name == "" {
				return usagef("an account needs a name: say whose it is with --name")
			}
			if isTerminal(cmd.InOrStdin()) {
				return usagef("the password is read from standard input, such as < password.txt, so that it isn't shown")
			}
			password, err := firstLine(cmd.InOrStdin())
			if err != nil {
				return err
			}
			return withAccounts(cmd.Context(), at, func(_ account.Store, accounts *account.Service) error {
				made, err := accounts.Create(cmd.Context(),
					account.SignUpRequest{Email: args[0], Name: name, Password: password}, operator)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd,
						map[string]any{"id": made.ID, "email": made.Email, "name": made.Name, "operator": made.Operator})
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), made.ID)
				return err
			})
		},
	}
	at.flags(cmd)
	cmd.Flags().StringVar(&name, "name", "", "the person's `name`, needed")
	cmd.Flags().BoolVar(&operator, "operator", false, "let the account publish plugins and administer the server")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newAdminTokenCreate() *cobra.Command {
	var (
		at     where
		name   string
		lasts  time.Duration
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "create EMAIL",
		Short: "Make an API token for an account",
		Long: `Makes an API token that may do all its account may, and prints it. It is not
stored, so it cannot be read again.`,
		Example: `  export CARREL_TOKEN=$(carrel admin token create ada@example.com --name "Publishing" --expires-in 720h)`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			email, ok := account.NormalEmail(args[0])
			if !ok {
				return usagef("%q is not an email address", args[0])
			}
			if lasts < 0 {
				return usagef("--expires-in must not be negative; 0 is for ever")
			}
			if err := at.isThere(); err != nil {
				return err
			}
			return withAccounts(cmd.Context(), at, func(db account.Store, accounts *account.Service) error {
				owner, err := db.AccountByEmail(cmd.Context(), email)
				if core.KindOf(err) == core.NotFound {
					return core.E("cli.Token", core.NotFound,
						"There is no account %s. Make it with carrel admin user create.", email)
				}
				if err != nil {
					return err
				}
				request := account.TokenRequest{Name: name}
				if lasts > 0 {
					request.Expires = time.Now().Add(lasts)
				}
				secret, made, err := accounts.CreateToken(cmd.Context(), account.Identity{Account: owner}, request)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd, map[string]any{"id": made.ID, "name": made.Name, "token": secret})
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
				return err
			})
		},
	}
	at.flags(cmd)
	cmd.Flags().StringVar(&name, "name", "carrel admin", "what the token is for")
	cmd.Flags().DurationVar(&lasts, "expires-in", 0, "how long it is valid, such as 720h; 0 is for ever")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// where is the database that a command works on without a server.
type where struct{ data, url string }

func (w *where) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.data, "data", defaultData, "`folder` of a stopped server's data")
	cmd.Flags().StringVar(&w.url, "database-url", "", "`URL` of the Postgres that servers share, which may be running")
	alsoFromEnvironment(cmd, "data", "database-url")
	oneOrTheOther(cmd, "data", "database-url")
}

// isThere refuses a data folder that is not there.
func (w *where) isThere() error {
	if w.url != "" {
		return nil
	}
	return thereIs(w.data)
}

// withAccounts calls fn with the accounts of a database. No server may be using a
// data folder meanwhile.
func withAccounts(ctx context.Context, at where, fn func(account.Store, *account.Service) error) error {
	accounts, db, shut, err := app.Accounts(ctx, at.url, at.data)
	if err != nil {
		return err
	}
	return errors.Join(fn(db, accounts), shut())
}

// firstLine reads a line, without its end.
func firstLine(r io.Reader) (string, error) {
	lines := bufio.NewScanner(r)
	lines.Scan()
	return lines.Text(), lines.Err()
}
