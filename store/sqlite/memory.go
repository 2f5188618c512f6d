package sqlite

import (
	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/store"
)

// memory keeps what every request asks for: who a token or a session belongs to,
// who is a member of what, and the moment each workspace is at. Nothing in it is
// ever out of date, as this process is the only writer of the file: whatever is
// written is forgotten, or put right, after it is in the file and before its
// writer is answered. So a token that was revoked is refused from the answer to
// its revocation on. DB.Write forgets everything; only DB.writeData, for what is
// none of this, does not.
type memory struct {
	tokens      store.Shelf[[32]byte, knownToken]
	sessions    store.Shelf[[32]byte, knownSession]
	memberships store.Shelf[membershipKey, membership]
	moments     store.Shelf[core.WorkspaceID, store.Moment]
}

type knownToken struct {
	token   core.Token
	account core.Account
}

type knownSession struct {
	session core.Session
	account core.Account
}

type membershipKey struct {
	ref     string
	account core.AccountID
}

type membership struct {
	workspace core.Workspace
	member    core.Member
}

func (m *memory) forget() {
	m.tokens.Clear()
	m.sessions.Clear()
	m.memberships.Clear()
	m.moments.Clear()
}
