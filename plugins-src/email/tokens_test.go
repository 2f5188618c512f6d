package main

import (
	"testing"

	"github.com/carrel-dev/carrel/sdk"
)

const someID sdk.ID = "doc_01934f5c-7b1a-7c3e-8a2b-0123456789ab"

func TestTokens(t *testing.T) {
	key := []byte("a key of this installation only.")
	for _, want := range []token{{forConfirm, someID}, {forList, someID}, {forAll, someID}} {
		signed, err := want.sign(key)
		if err != nil || len(signed) != tokenLength {
			t.Fatalf("%q (%d characters, want %d), %v", signed, len(signed), tokenLength, err)
		}
		if got, ok := readToken(key, signed); !ok || got != want {
			t.Errorf("%+v is read as %+v, %v", want, got, ok)
		}
		if _, ok := readToken([]byte("another"), signed); ok {
			t.Error("another installation's key reads it")
		}
		// Each character counts, the last with its unused bits too.
		for i := range signed {
			for _, other := range "AZaz09-_" {
				if forged := signed[:i] + string(other) + signed[i+1:]; forged != signed {
					if got, ok := readToken(key, forged); ok {
						t.Errorf("%q is read as %+v", forged, got)
					}
				}
			}
		}
		for _, forged := range []string{"", signed + "A", signed[1:], signed + "=", " " + signed, signed[:len(signed)-1] + "\n"} {
			if _, ok := readToken(key, forged); ok {
				t.Errorf("%q is read", forged)
			}
		}
	}
	for _, id := range []sdk.ID{"", "doc_", "doc_01934f5c", "doc_zz934f5c-7b1a-7c3e-8a2b-0123456789ab"} {
		if signed, err := (token{forList, id}).sign(key); err == nil {
			t.Errorf("%q is signed as %q", id, signed)
		}
	}
}

func FuzzReadToken(f *testing.F) {
	key := []byte("key")
	signed, _ := token{forAll, someID}.sign(key)
	f.Add(signed)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := readToken(key, text); ok {
			if again, err := got.sign(key); err != nil || again != text {
				t.Errorf("%q is read as %+v, which is written %q, %v", text, got, again, err)
			}
		}
	})
}
