package registry

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
)

// namePattern is what plugins and publishers may be called: it must stand in a URL and
// in an OCI reference as it is.
var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,38}$`)

// reserved names would let a plugin pass for the platform itself, or its events for
// those of a neutral domain.
var reserved = slices.Concat([]string{"carrel", "core", "platform", "admin"}, core.NeutralDomains)

func checkName(name string) error {
	switch {
	case namePattern.MatchString(name):
		return nil
	case name != strings.ToLower(name) && namePattern.MatchString(strings.ToLower(name)):
		return fmt.Errorf("%q has capital letters; names are lower case: %s", name, strings.ToLower(name))
	default:
		return fmt.Errorf("%q is not a name: 2 to 39 lower-case letters, digits and dashes, beginning with a letter", name)
	}
}

// admits reports whether a plugin may be published beside those already there:
// its name is not reserved, not another publisher's, and not mistaken for one.
func (c *catalog) admits(plugin core.PluginID) error {
	const op = "registry.Publish"
	if skeleton := skeletonOf(plugin.Name); slices.ContainsFunc(reserved, func(r string) bool { return skeletonOf(r) == skeleton }) {
		return core.E(op, core.Denied,
			"The name %s is reserved for the platform, or looks like one that is. Choose another name.", plugin.Name)
	}
	if known, ok := c.byName[plugin.Name]; ok {
		if known.Plugin == plugin {
			return nil
		}
		return core.E(op, core.Denied,
			"The name %s belongs to the publisher %s. Choose another name.", plugin.Name, known.Plugin.Publisher)
	}
	for name, known := range c.byName {
		switch {
		case known.Plugin.Publisher == plugin.Publisher: // one's own may look alike
		case skeletonOf(name) == skeletonOf(plugin.Name):
			return core.E(op, core.Denied,
				"The name %s looks like %s. Choose a name that cannot be mistaken for it.", plugin.Name, known.Plugin)
		case skeletonOf(known.Plugin.Publisher) == skeletonOf(plugin.Publisher):
			return core.E(op, core.Denied,
				"The publisher %s looks like %s, who has published here. Choose a name that cannot be mistaken for it.",
				plugin.Publisher, known.Plugin.Publisher)
		}
	}
	return nil
}

// lookAlikes are letters that are read as others.
var lookAlikes = strings.NewReplacer("-", "", "0", "o", "1", "l", "i", "l", "5", "s", "rn", "m", "vv", "w")

// skeletonOf maps names that look alike to one string.
func skeletonOf(name string) string { return lookAlikes.Replace(strings.ToLower(name)) }
