package main

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestEnvelopes(t *testing.T) {
	mac := base64.StdEncoding.EncodeToString([]byte("a mac"))
	headers := map[string]string{"webhook-id": "msg_1", "webhook-timestamp": "1700000000", "webhook-signature": "v1," + mac + " v2," + mac + " rubbish v1,!"}
	e := standard("webhook-")(func(name string) string { return headers[name] }, []byte(`{"a":1}`))
	if e.id != "msg_1" || string(e.signed) != `msg_1.1700000000.{"a":1}` || len(e.macs) != 1 || string(e.macs[0]) != "a mac" || e.format != "base64" {
		t.Errorf("%+v", e)
	}
	e = mailgun(nil, []byte(`{"signature":{"timestamp":"1700000000","token":"tok","signature":"6d61"},"event-data":{}}`))
	if e.id != "tok" || string(e.signed) != "1700000000tok" || len(e.macs) != 1 || string(e.macs[0]) != "ma" || e.format != "text" {
		t.Errorf("%+v", e)
	}
	now := time.Unix(1700000000, 0)
	for at, want := range map[string]bool{
		"1700000000": true, "1699999710": true, "1700000290": true, "1699999690": false, "1700000310": false, "": false, "soon": false, "-1": false,
		"9223372036854775807": false, "-9223372036854775808": false,
	} {
		if got := (envelope{at: at}).fresh(now); got != want {
			t.Errorf("sent at %q is fresh: %v", at, got)
		}
	}
}

func TestReports(t *testing.T) {
	for _, one := range []struct {
		by, body string
		want     []report
	}{
		{"standard", `{"type":"bounced","data":{"email":" Ada@Example.com","kind":"hard","reason":"gone","messageId":"<m@x>"}}`, []report{{hard, "ada@example.com", "gone", "<m@x>"}}},
		{"standard", `{"type":"bounced","data":{"email":"a@example.com","kind":"soft"}}`, []report{{soft, "a@example.com", "", ""}}},
		{"standard", `{"type":"complained","data":{"email":"a@example.com"}}`, []report{{complained, "a@example.com", "", ""}}},
		{"standard", `{"type":"opened","data":{"email":"a@example.com"}}`, nil},
		{"standard", `{"type":"bounced","data":{}}`, nil},
		{"standard", `[]`, nil},
		{"resend", `{"type":"email.bounced","data":{"email_id":"x","to":["a@example.com","b@example.com"],"bounce":{"type":"Permanent","message":"no"}}}`,
			[]report{{hard, "a@example.com", "no", ""}, {hard, "b@example.com", "no", ""}}},
		{"resend", `{"type":"email.bounced","data":{"to":["a@example.com"],"bounce":{"type":"Transient"}}}`, []report{{soft, "a@example.com", "", ""}}},
		{"resend", `{"type":"email.complained","data":{"to":["a@example.com"]}}`, []report{{complained, "a@example.com", "", ""}}},
		{"resend", `{"type":"email.sent","data":{"to":["a@example.com"]}}`, nil},
		{"mailgun", `{"event-data":{"event":"failed","severity":"permanent","recipient":"a@example.com","delivery-status":{"message":"550 no"},"message":{"headers":{"message-id":"m@x"}}}}`,
			[]report{{hard, "a@example.com", "550 no", "m@x"}}},
		{"mailgun", `{"event-data":{"event":"failed","severity":"temporary","recipient":"a@example.com"}}`, nil},
		{"mailgun", `{"event-data":{"event":"delivered","recipient":"a@example.com","message":{"headers":{"message-id":"m@x"}}}}`, []report{{delivered, "a@example.com", "", "m@x"}}},
		{"mailgun", `{"event-data":{"event":"complained","recipient":"a@example.com"}}`, []report{{complained, "a@example.com", "", ""}}},
	} {
		if got := providers[one.by].reports([]byte(one.body)); !slices.Equal(got, one.want) {
			t.Errorf("%s %s: %+v", one.by, one.body, got)
		}
	}
}

func TestAMailFitsAnEvent(t *testing.T) {
	long := MailReceived{From: "a@example.com", Text: strings.Repeat("é<", 50_000), HTML: strings.Repeat("<p>", 50_000), Subject: strings.Repeat("s", 1000)}
	for range 50 {
		long.References = append(long.References, "<"+strings.Repeat("r", 500)+">")
	}
	long.References = append(long.References, "<last>")
	got := long.fit()
	encoded, err := json.Marshal(got)
	if err != nil || len(encoded) > 64<<10 || got.Text == "" || !utf8.ValidString(got.Text) || got.References[len(got.References)-1] != "<last>" {
		t.Errorf("%d bytes, %d of text, %v", len(encoded), len(got.Text), err)
	}
	short := MailReceived{From: "a@example.com", Text: "t", HTML: "<p>h</p>"}
	if got := short.fit(); got.Text != "t" || got.HTML != "<p>h</p>" {
		t.Errorf("%+v", got)
	}
}
