package core

import (
	"encoding/json"
	"time"
)

// Change is a platform row a unit of work writes beside its documents, in the
// same transaction. A backend applies every kind of Change or fails the unit.
type Change interface{ change() }

// PutInstallation inserts an installation (Revision 1; Exists if the alias or
// the plugin is taken) or updates it (Changed if the stored Revision is not one
// less). When it is enabled, its deliveries that are held become due.
type PutInstallation struct{ Installation Installation }

// RemoveInstallation deletes an installation's row and its deliveries; with
// EraseTables also every document, entry, event, sum and blob
// the plugin wrote.
type RemoveInstallation struct {
	ID          InstallationID
	Plugin      PluginID
	EraseTables bool
}

// PutReceipt stores the answer of an idempotent request. A receipt with the
// same scope and key fails the unit with Changed.
type PutReceipt struct{ Receipt Receipt }

// Receipt remembers what a request with an Idempotency-Key was answered.
type Receipt struct {
	Scope       string // installation and actor
	Key         string
	RequestHash [32]byte
	Answer      json.RawMessage
	Created     time.Time
}

// AppendEvent adds an event to the outbox.
type AppendEvent struct{ Event Event }

// PutDelivery adds a delivery in state pending. A job that leaves its
// installation with more than MaxWaitingJobs or MaxWaitingBytes of them, once
// all changes of the unit are made, fails the unit with RateLimited. Of an
// occurrence of a schedule there is one: a second one changes nothing. An event
// that a listener caused fails the unit with RateLimited when it leaves its
// installation with more than MaxWaitingEvents.
type PutDelivery struct{ Delivery Delivery }

// CancelDelivery removes a delivery of the installation that has not begun.
type CancelDelivery struct {
	ID      DeliveryID
	Install InstallationID
}

// CompleteDelivery marks the running attempt done, or fails the unit with
// Stale when it is no longer the running one: another attempt has taken over,
// so running this one again would not help.
type CompleteDelivery struct {
	ID      DeliveryID
	Attempt int
}

// HoldDelivery puts the running attempt off, uncounted, until the delivery's
// installation is put enabled, or the workspace's contract changes. It fails the
// unit with Stale like CompleteDelivery.
type HoldDelivery struct {
	ID      DeliveryID
	Attempt int
	Reason  string
}

// SetAsideDelivery keeps the running attempt's delivery for a person to look
// at. It fails the unit with Stale like CompleteDelivery.
type SetAsideDelivery struct {
	ID      DeliveryID
	Attempt int
	Reason  string
}

// MaxUsage is the most a meter's sum can be, either way: a JSON number that every
// client reads exactly.
const MaxUsage = 1<<53 - 1

// AddUsage adds to a meter's sum, at most MaxUsage at a time. With Limit >= 0 a
// positive quantity that would pass it fails the unit with QuotaExceeded, and
// so does one that takes the sum out of MaxUsage's range.
type AddUsage struct {
	Install  InstallationID
	Meter    string
	Quantity int64
	Limit    int64
}

// PutBlob refers to an object that was written already. A blob that the plugin
// keeps already fails the unit with Changed. With Limit >= 0 one that takes what
// the workspace's blobs count for beyond it fails the unit with QuotaExceeded.
type PutBlob struct {
	Blob  Blob
	Limit int64 // bytes
}

// AppendAudit adds a line to the workspace's audit log.
type AppendAudit struct{ Entry AuditEntry }

// AuditEntry says who changed what in a workspace.
type AuditEntry struct {
	Time    time.Time `json:"time"`
	Actor   string    `json:"actor"`  // account or installation id
	Action  string    `json:"action"` // installation.created
	Subject string    `json:"subject"`
}

// PutWorkspace updates a workspace's slug (Exists if it is taken), name, time
// zone and locale.
type PutWorkspace struct{ Workspace Workspace }

// PutMember adds a member or changes the role of one.
type PutMember struct{ Member Member }

// RemoveMember takes a person out of the workspace.
type RemoveMember struct{ Account AccountID }

// PutContract ends the open contract, if there is one, and begins this one.
// Deliveries that are held become due.
type PutContract struct{ Contract Contract }

func (PutInstallation) change()    {}
func (RemoveInstallation) change() {}
func (PutReceipt) change()         {}
func (AppendEvent) change()        {}
func (PutDelivery) change()        {}
func (CancelDelivery) change()     {}
func (CompleteDelivery) change()   {}
func (HoldDelivery) change()       {}
func (SetAsideDelivery) change()   {}
func (AddUsage) change()           {}
func (PutBlob) change()            {}
func (AppendAudit) change()        {}
func (PutWorkspace) change()       {}
func (PutMember) change()          {}
func (RemoveMember) change()       {}
func (PutContract) change()        {}

// Authorises reports whether a change may alter who is who, or who may do what;
// so does one that is not known here.
func Authorises(changes []Change) bool {
	for _, change := range changes {
		switch change.(type) {
		case PutReceipt, AddUsage, AppendEvent, AppendAudit, PutBlob,
			PutDelivery, CancelDelivery, CompleteDelivery, HoldDelivery, SetAsideDelivery:
		default:
			return true
		}
	}
	return false
}
