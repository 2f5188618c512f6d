package core

import "testing"

// Every change of who may do what has what is remembered of that forgotten, and so
// has any that is not known.
func TestChangesThatAuthorise(t *testing.T) {
	for _, c := range []Change{
		PutInstallation{}, RemoveInstallation{}, PutWorkspace{}, PutMember{}, RemoveMember{}, PutContract{}, nil,
	} {
		if !Authorises([]Change{PutReceipt{}, c}) {
			t.Errorf("%T is not one", c)
		}
	}
	if Authorises([]Change{PutReceipt{}, AddUsage{}, AppendEvent{}, PutDelivery{}, CompleteDelivery{}, PutBlob{}}) {
		t.Error("what every call writes is one")
	}
}
