package core

import "time"

// Access is what authorises in a workspace, read in one snapshot: who is a
// member, what is installed, which plan is paid. Epoch is the auth_epoch of
// that moment; every change to one of the others raises it.
type Access struct {
	Workspace     Workspace
	Members       []Member
	Installations []Installation
	Epoch         int64
}

// Member returns the membership of an account.
func (a *Access) Member(account AccountID) (Member, bool) {
	for _, m := range a.Members {
		if m.Account == account {
			return m, true
		}
	}
	return Member{}, false
}

// Installation returns the installation with this id, alias or plugin (name or
// publisher/name). An alias wins over another plugin's name.
func (a *Access) Installation(ref string) (Installation, bool) {
	for _, is := range []func(Installation) bool{
		func(i Installation) bool { return string(i.ID) == ref || i.Alias == ref },
		func(i Installation) bool { return i.Plugin.Name == ref || i.Plugin.String() == ref },
	} {
		for _, i := range a.Installations {
			if is(i) {
				return i, true
			}
		}
	}
	return Installation{}, false
}

// Contract is the plan a workspace has over a time. Exactly one is open.
type Contract struct {
	ID        ContractID
	Workspace WorkspaceID
	Plan      string
	Began     time.Time
	Ended     time.Time // zero: the open one
}

// UsageSum is what an installation has recorded on a meter.
type UsageSum struct {
	Install  InstallationID
	Meter    string
	Quantity int64
}

// Footprint counts the rows a plugin has in a workspace.
type Footprint struct {
	Documents  int64 `json:"documents"`
	Entries    int64 `json:"entries"` // of indexes, unique ones included
	Events     int64 `json:"events"`
	Deliveries int64 `json:"deliveries"`
	Receipts   int64 `json:"receipts"`
	Meters     int64 `json:"meters"`
	Blobs      int64 `json:"blobs"`
}

// Minus returns how many rows of f are no longer in after.
func (f Footprint) Minus(after Footprint) Footprint {
	return Footprint{
		Documents:  f.Documents - after.Documents,
		Entries:    f.Entries - after.Entries,
		Events:     f.Events - after.Events,
		Deliveries: f.Deliveries - after.Deliveries,
		Receipts:   f.Receipts - after.Receipts,
		Meters:     f.Meters - after.Meters,
		Blobs:      f.Blobs - after.Blobs,
	}
}
