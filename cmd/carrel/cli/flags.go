package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// settings is the annotation of a command that lists the flags which are read
// from the environment and, if it has the flag --config, from that file.
const settings = "settings"

// instead is the annotation of a command that lists pairs of flags of which only
// one can hold.
const instead = "instead"

// alsoFromEnvironment lets flags be given as environment variables, and says so
// in their help.
func alsoFromEnvironment(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		flag := cmd.Flags().Lookup(name)
		flag.Usage += " [$" + variable(name) + "]"
	}
	annotate(cmd, settings, names...)
}

// oneOrTheOther says that of two flags only one can hold: when one is on the
// command line, the other isn't read from the environment.
func oneOrTheOther(cmd *cobra.Command, one, other string) { annotate(cmd, instead, one+"/"+other) }

func annotate(cmd *cobra.Command, key string, words ...string) {
	if cmd.Annotations == nil {
		cmd.Annotations = make(map[string]string)
	}
	cmd.Annotations[key] = strings.Join(append(strings.Fields(cmd.Annotations[key]), words...), " ")
}

// ruledOut reports whether a flag on the command line holds instead of this one.
func ruledOut(cmd *cobra.Command, name string) bool {
	for _, pair := range strings.Fields(cmd.Annotations[instead]) {
		one, other, _ := strings.Cut(pair, "/")
		if name == one && cmd.Flags().Changed(other) || name == other && cmd.Flags().Changed(one) {
			return true
		}
	}
	return false
}

// variable is the environment variable of a flag: CARREL_SIGN_UP of --sign-up.
func variable(flag string) string {
	return "CARREL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readFlags fills in the flags the command line leaves out: from the
// environment, and what that leaves out from the configuration file.
func readFlags(cmd *cobra.Command) error {
	names := strings.Fields(cmd.Annotations[settings])
	given := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !cmd.Flags().Changed(name) })
	// Before any is read, as those that are read count as given afterwards.
	out := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !ruledOut(cmd, name) })
	for _, name := range names {
		value := os.Getenv(variable(name))
		if value == "" || slices.Contains(given, name) || slices.Contains(out, name) {
			continue
		}
		if err := cmd.Flags().Set(name, value); err != nil {
			return usagef("the environment variable %s: %v", variable(name), err)
		}
	}
	config := cmd.Flags().Lookup("config")
	if !slices.Contains(names, "config") || config.Value.String() == "" {
		return nil
	}
	return readConfig(cmd, config.Value.String(), names)
}

func readConfig(cmd *cobra.Command, path string, names []string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return usagef("the configuration file: %v", err)
	}
	var values map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // 1000000, not 1e+06
	if err := decoder.Decode(&values); err != nil {
		return usagef("the configuration file %s is not a JSON object: %v", path, err)
	}
	for name, value := range values {
		if !slices.Contains(names, name) || name == "config" {
			known := slices.DeleteFunc(slices.Sorted(slices.Values(names)), func(n string) bool { return n == "config" })
			return usagef("the configuration file %s sets %q, which is not a setting; there are %s", path,
				name, strings.Join(known, ", "))
		}
		if cmd.Flags().Changed(name) {
			continue
		}
		if err := cmd.Flags().Set(name, fmt.Sprint(value)); err != nil {
			return usagef("the configuration file %s, %q: %v", path, name, err)
		}
	}
	return nil
}

// oneOf is a flag's value that must be one of a few words.
type oneOf struct {
	value   *string
	allowed []string
}

func (o oneOf) String() string {
	if o.value == nil {
		return ""
	}
	return *o.value
}

func (o oneOf) Set(value string) error {
	if !slices.Contains(o.allowed, value) {
		return fmt.Errorf("%q is not one of %s", value, strings.Join(o.allowed, ", "))
	}
	*o.value = value
	return nil
}

func (o oneOf) Type() string { return strings.Join(o.allowed, "|") }
