package core_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/carrel-dev/carrel/core"
)

func TestASecretIsNotShown(t *testing.T) {
	server := core.MailServer{Host: "mail.example.com", Password: "canary"}
	var shown bytes.Buffer
	fmt.Fprintf(&shown, "%v %+v %#v %s %q %x", server, server, server, server.Password, server.Password, server.Password)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "server", server, "password", server.Password)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "server", server, "password", server.Password)
	encoded, err := json.Marshal(server)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(encoded)
	if text := shown.String(); strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) {
		t.Error(text)
	}
	if server.Password.Reveal() != "canary" {
		t.Error("whoever uses it needs it")
	}
}
