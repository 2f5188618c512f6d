package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/carrel-dev/carrel/core"
)

// Tags of an OCI repository. A release has the tag `publisher_name_version`; no
// part of it can have an underscore. What else is known about it is in tags
// that begin with one, and hold a hash of what they are about, because a tag
// has at most 128 characters:
//
//	_yank_<about>_<n>                     the n-th change of its mark: odd is yanked
//	_try_<about>_<round>_<step>_<value>   see agree
//
// None of them is ever written with another meaning, so that the order in which
// nodes write them does not matter.

// longestTag is the OCI specification's.
const longestTag = 128

// remoteTag is the tag of a release in an OCI repository.
func remoteTag(plugin core.PluginID, version string) string {
	return plugin.Publisher + "_" + plugin.Name + "_" + version
}

// releaseOf is the inverse of remoteTag; false when a tag is not of a release.
func releaseOf(tag string) (plugin core.PluginID, version *semver.Version, ok bool) {
	parts := strings.Split(tag, "_")
	if len(parts) != 3 || checkName(parts[0]) != nil || checkName(parts[1]) != nil {
		return plugin, nil, false
	}
	version, err := semver.StrictNewVersion(parts[2])
	return core.PluginID{Publisher: parts[0], Name: parts[1]}, version, err == nil
}

// about is the part of a tag that says what the tag is about.
func about(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return hex.EncodeToString(sum[:16])
}

func yankTag(release string, n int) string { return fmt.Sprintf("_yank_%s_%d", about(release), n) }

// yanks counts the changes of the marks of releases, by what they are about.
func yanks(tags []string) map[string]int {
	changes := make(map[string]int)
	for _, tag := range tags {
		if of, ok := strings.CutPrefix(tag, "_yank_"); ok {
			release, number, _ := strings.Cut(of, "_")
			if n, err := strconv.Atoi(number); err == nil {
				changes[release] = max(changes[release], n)
			}
		}
	}
	return changes
}
