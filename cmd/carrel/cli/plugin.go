package cli

import "github.com/spf13/cobra"

func newPlugin() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "plugin",
		Short:   "Build, try, check and publish plugins",
		GroupID: "plugin",
		Long: `Builds, tries, checks and publishes plugins. All of it works on files and
needs neither a server nor an account, except publishing to a server.`,
		Example: `  carrel plugin build ./crm -o crm.wasm
  carrel plugin verify crm.wasm
  carrel plugin publish crm.wasm`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	cmd.AddCommand(newPluginBuild(), newPluginCall(), newPluginInspect(), newPluginVerify(), newPluginPublish(),
		newPluginYank(), newPluginBind())
	return cmd
}
