package core

import (
	"context"
	"strings"
	"testing"
)

func TestTracesComeBack(t *testing.T) {
	if got := ParseTrace(Trace{}.String()); !got.IsZero() {
		t.Errorf("no place came back as %+v", got)
	}
	for i := range 100 {
		want := Trace{Request: NewRequestID(), Sampled: i%2 == 0, Span: [8]byte{7: byte(i)}}
		if got := ParseTrace(want.String()); got != want {
			t.Fatalf("%+v came back as %+v", want, got)
		}
	}
	place := Trace{Request: NewRequestID(), Span: [8]byte{1}}
	if got := TraceOf(WithTrace(context.Background(), place)); got != place {
		t.Errorf("the context is of %+v", got)
	}
}

// FuzzTrace: whatever a client sends, what is taken for a trace is one, and
// comes back.
func FuzzTrace(f *testing.F) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, s := range []string{good, "", "00", strings.ToUpper(good), good + "-x", "01" + good[2:] + "-x", "ff" + good[2:],
		"00-00000000000000000000000000000000-b7ad6b7169203331-01", strings.Replace(good, "-b", " b", 1), good[:54] + "g"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := ParseTrace(s)
		if got.IsZero() {
			return
		}
		if len(got.Request) != len("req_")+32 || ParseTrace(got.String()) != got {
			t.Fatalf("%q was taken for %+v", s, got)
		}
	})
}

func TestOnlyTracesAreTaken(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	if got := ParseTrace(good); got.Request != "req_0af7651916cd43dd8448eb211c80319c" || !got.Sampled || got.String() != good {
		t.Errorf("%+v", got)
	}
	if got := ParseTrace("01" + good[2:] + "-later"); got.Request == "" {
		t.Error("a later version's is not taken, which the standard asks for")
	}
	for _, bad := range []string{"00" + good[2:] + "-x", "ff" + good[2:], strings.ToUpper(good), good[:54], good[:54] + "g",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01", "01" + good[2:] + "x"} {
		if got := ParseTrace(bad); !got.IsZero() {
			t.Errorf("%q was taken for %+v", bad, got)
		}
	}
}
