package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/runtime"
)

// inspection is what a file says about itself.
type inspection struct {
	File     string        `json:"file"`
	Digest   core.Digest   `json:"digest"`
	Size     int64         `json:"size"`
	Plugin   bool          `json:"plugin"` // speaks the platform's contract
	Memory   memory        `json:"memory"`
	Imports  []function    `json:"imports"`
	Exports  []string      `json:"exports"`
	Manifest *abi.Manifest `json:"manifest"` // null without one
}

type memory struct {
	Min int64 `json:"min"` // bytes
	Max int64 `json:"max"` // 0: no maximum
}

type function struct {
	Module    string `json:"module"`
	Name      string `json:"name"`
	Signature string `json:"signature"`
}

func newPluginInspect() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what a module declares and what it needs",
		Long: `Shows what a module declares (capabilities, tables, routes, pages, events) and
what it needs (imports, memory). Nothing of the module is run. The exit code is
1 when its manifest would be refused.`,
		Example: `  carrel plugin inspect crm.wasm
  carrel plugin inspect crm.wasm --json | jq .manifest.capabilities`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			i, err := inspect(args[0])
			if err != nil {
				return &fileError{args[0], err}
			}
			if asJSON {
				err = printJSON(cmd, i)
			} else {
				err = i.print(cmd.OutOrStdout())
			}
			if err == nil && i.Manifest != nil {
				err = core.CheckManifest(*i.Manifest)
			}
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func inspect(file string) (i inspection, err error) {
	module, err := readModule(file)
	if err != nil {
		return i, err
	}
	d, err := runtime.Inspect(module)
	if err != nil {
		return i, err
	}
	i = inspection{
		File: file, Digest: runtime.DigestOf(module), Size: int64(len(module)), Plugin: d.Plugin,
		Memory: memory{d.Memory.Min, d.Memory.Max}, Imports: []function{}, Exports: append([]string{}, d.Exports...),
	}
	for _, f := range d.Imports {
		i.Imports = append(i.Imports, function{f.Module, f.Name, f.Signature})
	}
	if d.Manifest != nil {
		m, err := manifestOf(module)
		if err != nil {
			return i, err
		}
		i.Manifest = &m
	}
	return i, nil
}

// manifestOf reads the manifest a module carries.
func manifestOf(module []byte) (m abi.Manifest, err error) {
	d, err := runtime.Inspect(module)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(d.Manifest, &m); err != nil {
		return m, core.E("cli.Manifest", core.Invalid,
			"Its manifest is not JSON of the right shape: %v. Attach it again with carrel plugin build.", err)
	}
	return m, nil
}

// print writes the inspection for people.
func (i inspection) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if m := i.Manifest; m != nil {
		fmt.Fprintf(w, "%s/%s %s, %s\n%s\n\n", m.Publisher, m.Name, m.Version, m.Title, m.Summary)
	} else {
		fmt.Fprintf(w, "%s carries no manifest: it can be called, but not published.\n\n", i.File)
	}
	section(t, "Module", []string{i.File + ", " + sizeOf(i.Size), string(i.Digest)})
	limit := "no maximum of its own"
	if i.Memory.Max > 0 {
		limit = "up to " + sizeOf(i.Memory.Max)
	}
	section(t, "Memory", []string{sizeOf(i.Memory.Min) + ", " + limit})
	section(t, "Imports", i.importLines())
	section(t, "Exports", []string{strings.Join(i.Exports, " ")})
	if i.Manifest != nil {
		printManifest(t, i.Manifest)
	}
	return t.Flush()
}

// importLines lists the imports, a line for each module.
func (i inspection) importLines() []string {
	var order []string
	names := make(map[string][]string)
	for _, f := range i.Imports {
		if names[f.Module] == nil {
			order = append(order, f.Module)
		}
		names[f.Module] = append(names[f.Module], f.Name)
	}
	var lines []string
	for _, module := range order {
		lines = append(lines, module+": "+strings.Join(names[module], " "))
	}
	return lines
}

func printManifest(t io.Writer, m *abi.Manifest) {
	section(t, "Licence", []string{cmp.Or(m.License, "none given")})
	section(t, "Asks for", lines(m.Capabilities, func(c abi.CapabilityRequest) string {
		hosts := ""
		if len(c.Hosts) > 0 {
			hosts = " (" + strings.Join(c.Hosts, ", ") + ")"
		}
		return string(c.Name) + hosts + "\t" + c.Reason
	}))
	section(t, "Tables", lines(m.Tables, func(table abi.Table) string {
		return fmt.Sprintf("%s\t%s", table.Name, counted(len(table.Fields), "field"))
	}))
	section(t, "Routes", lines(m.Routes, func(r abi.Route) string {
		who := cmp.Or(r.Permission, "every member")
		if r.Public {
			who = "everyone"
		}
		return fmt.Sprintf("%s %s\t%s, %s", r.Method, r.Path, r.Kind, who)
	}))
	section(t, "Pages", lines(m.Pages, func(p abi.ManifestPage) string { return p.Path + "\t" + p.Title }))
	section(t, "Permissions", lines(m.Permissions, func(p abi.Permission) string { return p.Name + "\t" + p.Doc }))
	section(t, "Emits", lines(m.Emits, func(e abi.EventType) string { return fmt.Sprintf("%s\tversion %d", e.Type, e.Version) }))
	section(t, "Listens to", lines(m.Listens, func(l abi.Listener) string { return l.Type + "\t" + l.Handler }))
	section(t, "Jobs", lines(m.Jobs, func(j abi.Job) string { return j.Name + "\t" + string(j.Kind) }))
	section(t, "Schedules", lines(m.Schedules, func(s abi.Schedule) string { return s.Name + "\t" + s.Cron }))
	section(t, "Meters", lines(m.Meters, func(meter abi.Meter) string { return m.Name + "." + meter.Name + "\t" + meter.Doc }))
}

// section writes lines beside their title, nothing when there are none. A tab
// in a line begins a column.
func section(w io.Writer, title string, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(w, "%s\t%s\n", title, line)
		title = ""
	}
}

func lines[T any](list []T, line func(T) string) []string {
	all := make([]string, len(list))
	for i, one := range list {
		all[i] = line(one)
	}
	return all
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
