package main

import (
	"maps"

	"github.com/carrel-dev/carrel/sdk"
)

// ContactMerged is the data of crm.contact.merged.
type ContactMerged struct {
	WinnerID sdk.ID `json:"winnerId"`
	LoserID  sdk.ID `json:"loserId"`
}

var contactMerged = sdk.Event[ContactMerged]("crm.contact.merged", 1,
	"A contact, the loser, was found to be another one, the winner, and is now found there.")

type mergeRequest struct {
	LoserID    sdk.ID `json:"loserId" carrel:"doc=Contact that is the same person, and gives way"`
	LoserEmail string `json:"loserEmail" carrel:"max=254,doc=Its address, instead of its id"`
}

// loser finds the contact that gives way.
func (in mergeRequest) loser(c *sdk.Ctx) (doc sdk.Doc[Contact], err error) {
	if in.LoserID != "" {
		doc, err = contacts.Get(c, in.LoserID)
		if sdk.IsNotFound(err) {
			err = sdk.Violation("body.loserId", "there is no such contact")
		}
		return doc, err
	}
	if in.LoserEmail == "" {
		return doc, sdk.Violation("body.loserId", "is required, or loserEmail")
	}
	doc, found, err := contacts.By(c, "email", normalizeEmail(in.LoserEmail))
	if err == nil && !found {
		err = sdk.Violation("body.loserEmail", "no contact has this address")
	}
	return doc, err
}

// mergeContacts makes one contact of two. What the winner says goes; what it
// doesn't say it takes from the loser. The loser stays as a pointer to the
// winner, with an address of its own if it has one, so that whoever still names
// it, by id or address, finds the winner.
//
// From this unit on nothing new refers to the loser: whatever names it is given
// the winner. What refers to it already follows here and, if that is much, in
// jobs.
func mergeContacts(c *sdk.Ctx, in mergeRequest) (doc sdk.RawDoc[Contact], err error) {
	winner, err := contacts.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return doc, err
	}
	loser, err := in.loser(c)
	if err != nil {
		return doc, err
	}
	switch {
	case winner.Body.MergedIntoID != "":
		return doc, sdk.Exists("This contact was merged into %s. Merge into that one.", winner.Body.MergedIntoID)
	case loser.ID == winner.ID:
		return doc, sdk.Violation("body.loserId", "is the contact itself")
	case loser.Body.MergedIntoID == winner.ID:
		return contacts.Show(c) // done already
	case loser.Body.MergedIntoID != "":
		return doc, sdk.Exists("The contact %s was merged into %s already.", loser.ID, loser.Body.MergedIntoID)
	}
	taken, freed := inherit(winner.Body, loser.Body)
	freed["mergedIntoId"] = winner.ID
	if _, err := contacts.Patch(c, loser.ID, freed); err != nil { // first: what is unique must be free
		return doc, err
	}
	if doc, err = contacts.Patch(c, winner.ID, taken); err != nil {
		return doc, err
	}
	if err := c.Record(contactMeter, -1); err != nil {
		return doc, err
	}
	if winner, err = doc.Doc(); err != nil { // as it is told of: with what it has taken
		return doc, err
	}
	if err := followOrSchedule(c, loser.ID, winner); err != nil {
		return doc, err
	}
	return doc, contactMerged.Emit(c, ContactMerged{winner.ID, loser.ID})
}

// inherit says what the winner of a merge takes, and what the loser must give up
// for it, as patches.
func inherit(winner, loser Contact) (taken, freed map[string]any) {
	taken, freed = map[string]any{}, map[string]any{}
	for _, field := range []struct {
		name       string
		has, takes string
		unique     bool
	}{
		{"email", winner.Email, loser.Email, true},
		{"userId", string(winner.UserID), string(loser.UserID), true},
		{"phone", winner.Phone, loser.Phone, false},
		{"companyId", string(winner.CompanyID), string(loser.CompanyID), false},
		{"source", winner.Source, loser.Source, false},
		{"ownerId", string(winner.OwnerID), string(loser.OwnerID), false},
	} {
		if field.has != "" || field.takes == "" {
			continue
		}
		taken[field.name] = field.takes
		if field.unique {
			freed[field.name] = nil
		}
	}
	if taken["email"] != nil && loser.EmailStatus != "" {
		taken["emailStatus"] = loser.EmailStatus
	}
	if later(loser.LastActivityAt, winner.LastActivityAt) {
		taken["lastActivityAt"] = loser.LastActivityAt
	}
	if custom := maps.Clone(loser.CustomFields); len(custom) > 0 {
		maps.Copy(custom, winner.CustomFields)
		taken["customFields"] = custom
	}
	return taken, freed
}

// mergeJob moves what still refers to the loser of a merge, mergeStep documents
// a time.
const (
	mergeJob  = "merge"
	mergeStep = 200
)

type mergePayload struct {
	LoserID sdk.ID `json:"loserId"`
}

func continueMerge(c *sdk.Ctx, in mergePayload) error {
	loser, err := contacts.Get(c, in.LoserID)
	if sdk.IsNotFound(err) {
		return nil // deleted with its winner, and all that referred to it
	}
	if err != nil {
		return err
	}
	winner, err := present(c, loser) // may have lost to another since
	if err != nil {
		return err
	}
	return followOrSchedule(c, loser.ID, winner)
}

func followOrSchedule(c *sdk.Ctx, loser sdk.ID, winner sdk.Doc[Contact]) error {
	left, err := follow(c, loser, winner, mergeStep)
	if err == nil && left == 0 {
		_, err = c.Schedule(mergeJob, mergePayload{loser}, 0)
	}
	return err
}

// follow has at most n documents that refer to the loser refer to the winner.
// When it returns more than 0, it moved fewer, and nothing is left.
func follow(c *sdk.Ctx, loser sdk.ID, winner sdk.Doc[Contact], n int) (left int, err error) {
	for _, move := range []func(n int) (int, error){
		func(n int) (int, error) { return point(c, contacts, "mergedIntoId", loser, winner.ID, n) },
		func(n int) (int, error) { return point(c, deals, "contactId", loser, winner.ID, n) },
		func(n int) (int, error) { return point(c, tasks, "contactId", loser, winner.ID, n) },
		func(n int) (int, error) { return passTags(c, loser, winner, n) },
		func(n int) (int, error) { return point(c, activities, "contactId", loser, winner.ID, n) },
	} {
		if n == 0 {
			return 0, nil
		}
		done, err := move(n)
		if err != nil {
			return 0, err
		}
		n -= done
	}
	return n, nil
}

// point changes a reference of at most n documents, 1 to 200.
func point[T any](c *sdk.Ctx, table *sdk.TableOf[T], field string, from, to sdk.ID, n int) (done int, err error) {
	page, _, err := table.Where(field, from).Limit(n).RawDocs(c)
	if err != nil {
		return 0, err
	}
	for _, doc := range page {
		id, err := doc.ID()
		if err != nil {
			return 0, err
		}
		if _, err := table.Patch(c, id, map[string]any{field: to}); err != nil {
			return 0, err
		}
	}
	return len(page), nil
}

// passTags gives the winner at most n tags of the loser. It is told of those it
// didn't have. Nobody is told that the loser has them no more: the person does.
func passTags(c *sdk.Ctx, loser sdk.ID, winner sdk.Doc[Contact], n int) (done int, err error) {
	tags, _, err := contactTags.Where("contactId", loser).Limit(n).Docs(c)
	if err != nil {
		return 0, err
	}
	for _, tag := range tags {
		_, has, err := contactTags.Where("contactId", winner.ID).Where("tag", tag.Body.Tag).First(c)
		if err != nil {
			return 0, err
		}
		if has {
			if err := contactTags.Delete(c, tag.ID); err != nil {
				return 0, err
			}
			continue
		}
		if _, err := contactTags.Patch(c, tag.ID, map[string]any{"contactId": winner.ID}); err != nil {
			return 0, err
		}
		if err := contactTagged.Emit(c, taggedAs(winner, tag.Body.Tag)); err != nil {
			return 0, err
		}
	}
	return len(tags), nil
}
