package cli

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/adapters/telemetry/otlptest"
)

// Metrics have an address of their own, which is printed; traces go where the
// standard's variable says when no flag does.
func TestAServerIsObserved(t *testing.T) {
	receiver := otlptest.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	printed, stop := startServer(t, t.TempDir(), "--metrics-addr", "127.0.0.1:0")
	metrics := regexp.MustCompile(`Metrics are at (http://127\.0\.0\.1:\d+/metrics)\.`).FindStringSubmatch(printed)
	if metrics == nil {
		t.Fatalf("it does not say where metrics are:\n%s", printed)
	}
	for address, want := range map[string]string{metrics[1]: "carrel_build_info", addressIn(t, printed) + "/healthz": "ok"} {
		answer, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
			t.Errorf("%s: %s, %v, without %q", address, answer.Status, err, want)
		}
	}
	taken := strings.TrimSuffix(strings.TrimPrefix(metrics[1], "http://"), "/metrics")
	code, _, errOut := run(t, "", "serve", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--metrics-addr", taken)
	if code != 1 || !strings.Contains(errOut, "choose another port with --metrics-addr") {
		t.Errorf("an address that is taken: exit code %d, %q", code, errOut)
	}
	if code := stop(); code != 0 {
		t.Errorf("it ended with exit code %d", code)
	}
	if n := len(receiver.Named("GET /healthz")); n != 1 {
		t.Errorf("%d spans of one request", n)
	}
}

func TestAServerThatIsNotObservedSaysNothing(t *testing.T) {
	if printed, _ := startServer(t, t.TempDir()); strings.Contains(printed, "Metrics") {
		t.Errorf("it prints\n%s", printed)
	}
}
