package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"testing"
	"time"
)

const hookKey = "a key of 24 bytes, or so"

func sign(key, message string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

// webhook is one as a provider sends it.
type webhook struct {
	id, body, key string
	at            time.Time
}

// headers sign it as Standard Webhooks say.
func (h webhook) headers(prefix string) []header {
	at := strconv.FormatInt(h.at.Unix(), 10)
	mac := base64.StdEncoding.EncodeToString(sign(h.key, h.id+"."+at+"."+h.body))
	return []header{{prefix + "Id", h.id}, {prefix + "Timestamp", at}, {prefix + "Signature", "v1," + mac}, {"Content-Type", "application/json"}}
}

// TestAttack50_AWebhookIsSignedFreshAndNew: what a mail provider tells is believed
// with its signature, for minutes, and once; forged, changed, aged or sent again
// it changes nothing.
func TestAttack50_AWebhookIsSignedFreshAndNew(t *testing.T) {
	w := newWorld(t, "email")
	alice := w.SignUp("alice")
	acme := As(alice).In(As(alice).Workspace("Acme", "starter"))
	beta := As(alice).In(As(alice).Workspace("Beta", "starter"))
	acme.InstallWith("email", body{"webhookSecret": "whsec_" + base64.StdEncoding.EncodeToString([]byte(hookKey))})
	beta.InstallWith("email", body{"webhookSecret": "whsec_" + base64.StdEncoding.EncodeToString([]byte("another key"))})
	anybody := w.stranger()
	post := func(path string, h webhook, prefix string) answer {
		t.Helper()
		return anybody.send("POST", path, []byte(h.body), h.headers(prefix)...)
	}
	suppressed := func(m member, n int) {
		t.Helper()
		if found := m.all("email", "/suppressions"); len(found) != n {
			t.Errorf("%d addresses are suppressed, want %d: %v", len(found), n, found)
		}
	}
	const path = "/w/acme/email/hooks/standard"
	bounce := func(email string) string {
		return fmt.Sprintf(`{"type":"bounced","data":{"email":%q,"kind":"hard","reason":"550 no such user"}}`, email)
	}
	now := time.Now()
	good := webhook{id: "msg_1", body: bounce("a@example.com"), key: hookKey, at: now}

	for name, forged := range map[string]webhook{
		"another key": {id: "msg_2", body: good.body, key: "guessed", at: now},
		"aged":        {id: "msg_2", body: good.body, key: hookKey, at: now.Add(-6 * time.Minute)},
		"early":       {id: "msg_2", body: good.body, key: hookKey, at: now.Add(6 * time.Minute)},
		"no id":       {body: good.body, key: hookKey, at: now},
	} {
		if a := post(path, forged, "Webhook-"); a.status != 403 {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	changed := good.headers("Webhook-")
	anybody.send("POST", path, []byte(bounce("b@example.com")), changed...).want(403)
	anybody.send("POST", path, []byte(good.body)).want(403)
	changed[0].value = "msg_3"
	anybody.send("POST", path, []byte(good.body), changed...).want(403)
	post("/w/beta/email/hooks/standard", good, "Webhook-").want(403) // of another workspace
	post("/w/acme/email/hooks/nobody", good, "Webhook-").want(404)
	suppressed(acme, 0)

	post(path, good, "Webhook-").want(204)
	suppressed(acme, 1)
	suppressed(beta, 0)
	acme.Call("email", fmt.Sprint("DELETE /suppressions/", acme.all("email", "/suppressions")[0]["id"]), nil).want(204)
	post(path, good, "Webhook-").want(204) // again
	suppressed(acme, 0)
	if told := acme.count("email.bounced", "email"); told["a@example.com"] != 1 {
		t.Errorf("told of bounces: %v", told)
	}

	post("/w/acme/email/hooks/resend", webhook{id: "msg_4", key: hookKey, at: now,
		body: `{"type":"email.complained","data":{"to":["c@example.com"]}}`}, "Svix-").want(204)
	if told := acme.count("email.complained", "email"); told["c@example.com"] != 1 {
		t.Errorf("told of complaints: %v", told)
	}

	in := webhook{id: "msg_5", key: hookKey, at: now, body: `{"from":"d@example.com","to":"help@acme.example","subject":"Hi","text":"Where is it?","references":["<m@x>"]}`}
	forgedMail := in
	forgedMail.key = "guessed"
	post("/w/acme/email/inbound", forgedMail, "Webhook-").want(403)
	for range 2 {
		post("/w/acme/email/inbound", in, "Webhook-").want(204)
	}
	if told := acme.count("email.inbound.received", "from"); fmt.Sprint(told) != "map[d@example.com:1]" {
		t.Errorf("told of mail: %v", told)
	}

	// Mailgun's key is text, and so the whole of another setting.
	beta.API("PATCH", "/installations/email", body{"settings": body{"webhookSecret": hookKey}}).want(200)
	at := strconv.FormatInt(now.Unix(), 10)
	mailgun := func(token, key string) string {
		return fmt.Sprintf(`{"signature":{"timestamp":%q,"token":%q,"signature":%q},"event-data":{"event":"failed","severity":"permanent","recipient":"e@example.com"}}`,
			at, token, hex.EncodeToString(sign(key, at+token)))
	}
	anybody.send("POST", "/w/beta/email/hooks/mailgun", []byte(mailgun("t1", "guessed"))).want(403)
	suppressed(beta, 0)
	anybody.send("POST", "/w/beta/email/hooks/mailgun", []byte(mailgun("t1", hookKey))).want(204)
	suppressed(beta, 1)
}
