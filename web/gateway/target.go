package gateway

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/carrel-dev/carrel/core"
)

// target is where a request goes.
type target struct {
	workspace string // slug or id
	alias     string // of the installation
	path      string // below it, decoded, beginning with a slash
}

// parseTarget reads the path of a request as it was sent. Each segment is
// decoded once; what would mean something else to whoever decodes it again, or
// is resolved differently by different programs, is refused rather than
// cleaned: dot segments, slashes, backslashes and control characters inside a
// segment, empty segments.
func parseTarget(raw string) (target, error) {
	rest, ok := strings.CutPrefix(raw, Prefix)
	if !ok {
		return target{}, badPath("does not begin with " + Prefix)
	}
	segments := strings.Split(rest, "/")
	for i, segment := range segments {
		decoded, err := url.PathUnescape(segment)
		switch {
		case err != nil || !utf8.ValidString(decoded):
			return target{}, badPath("is not percent-encoded UTF-8")
		case decoded == "." || decoded == "..":
			return target{}, badPath("has a dot segment")
		case decoded == "" && i < len(segments)-1:
			return target{}, badPath("has an empty segment")
		case strings.ContainsAny(decoded, `/\`) || strings.ContainsFunc(decoded, unicode.IsControl):
			return target{}, badPath("has a slash, a backslash or a control character inside a segment")
		}
		segments[i] = decoded
	}
	if len(segments) < 3 {
		return target{}, errMissing
	}
	if segments[2] == "-" { // the host's own; nothing is there yet
		return target{}, errMissing
	}
	return target{segments[0], segments[1], "/" + strings.Join(segments[2:], "/")}, nil
}

func badPath(why string) error {
	return core.Violations{{Location: "path", Message: why}}.Err("gateway.parseTarget", "The address is not valid.")
}
