package machine

import (
	"context"
	"strings"
	"testing"
)

// A server that does not serve is an error that says why.
func TestServerThatFails(t *testing.T) {
	p := new(Process)
	err := p.Launch(context.Background(), t.TempDir(), "sh", "-c", "echo it is broken >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "it is broken") {
		t.Errorf("%v", err)
	}
}
