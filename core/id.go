package core

import (
	"strings"

	"github.com/google/uuid"
)

// Ids are a type prefix and a UUIDv7: they sort by creation time, and reveal
// it, so they are never secrets. Each entity has a type of its own so that the
// compiler refuses a mixed-up argument.
type (
	WorkspaceID    string // ws_…
	AccountID      string // acc_…
	SessionID      string // ses_…
	TokenID        string // tok_…
	InstallationID string // ins_…
	DocumentID     string // doc_…
	InvocationID   string // inv_…
	EventID        string // evt_…
	DeliveryID     string // dlv_…
	ContractID     string // con_…
)

func newID(prefix string) string { return prefix + uuid.Must(uuid.NewV7()).String() }

func NewWorkspaceID() WorkspaceID       { return WorkspaceID(newID("ws_")) }
func NewAccountID() AccountID           { return AccountID(newID("acc_")) }
func NewSessionID() SessionID           { return SessionID(newID("ses_")) }
func NewTokenID() TokenID               { return TokenID(newID("tok_")) }
func NewInstallationID() InstallationID { return InstallationID(newID("ins_")) }
func NewDocumentID() DocumentID         { return DocumentID(newID("doc_")) }
func NewInvocationID() InvocationID     { return InvocationID(newID("inv_")) }
func NewEventID() EventID               { return EventID(newID("evt_")) }
func NewDeliveryID() DeliveryID         { return DeliveryID(newID("dlv_")) }
func NewContractID() ContractID         { return ContractID(newID("con_")) }

// ValidID reports whether s is an id with this prefix ("doc_") in the one
// spelling ids have: lower-case hexadecimal with dashes.
func ValidID(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok || len(rest) != 36 || rest != strings.ToLower(rest) {
		return false
	}
	return uuid.Validate(rest) == nil
}
