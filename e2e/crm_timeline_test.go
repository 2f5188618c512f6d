package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTimeline mixes activities, tasks and deals of a contact with those of
// another, and reads it in pages of every size: the order is that of time, and
// nothing is missing or comes twice.
func TestTimeline(t *testing.T) {
	crm := newCRM(t)
	ada := crm.make("/contacts", body{"email": "ada@example.com", "name": "Ada"})
	other := crm.make("/contacts", body{"email": "other@example.com", "name": "Other"})
	crm.make("/activities", body{"contactId": other, "body": "not Ada's"})
	now := time.Now().UTC()
	past := func(hours int) string { return now.Add(-time.Duration(hours) * time.Hour).Format(time.RFC3339) }
	var want []string // the latest last
	for i := range 4 {
		want = append(want, crm.make("/activities", body{"contactId": ada, "type": "call", "body": "long ago", "occurredAt": past(90 - i)}))
	}
	for i := range 9 {
		switch i % 3 {
		case 0:
			want = append(want, crm.make("/deals", body{"contactId": ada, "title": fmt.Sprint("deal ", i)}))
		case 1:
			want = append(want, crm.make("/tasks", body{"contactId": ada, "title": fmt.Sprint("task ", i)}))
		default:
			want = append(want, crm.make("/activities", body{"contactId": ada, "body": fmt.Sprint("note ", i)}))
		}
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 2, 3, 5, 13, 200} {
		var got []string
		before := now.Add(time.Hour)
		for cursor := ""; ; {
			page := crm.Call("crm", fmt.Sprintf("GET /contacts/%s/timeline?limit=%d&cursor=%s", ada, limit, cursor), nil).want(200)
			for _, one := range page.list("data") {
				entry := one.(map[string]any)
				at, err := time.Parse(time.RFC3339, entry["at"].(string))
				if err != nil || at.After(before) {
					t.Errorf("by %d: an entry of %v comes behind one of %v (%v)", limit, at, before, err)
				}
				before = at
				got = append(got, entry["document"].(map[string]any)["id"].(string))
			}
			if cursor, _ = page.object()["nextCursor"].(string); cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %q, want %q", limit, got, want)
		}
	}
	for _, bad := range []string{"limit=0", "limit=201", "cursor=rubbish", "cursor=" + ada, "page=2"} {
		crm.Call("crm", "GET /contacts/"+ada+"/timeline?"+bad, nil).want(400)
	}
	last, err := time.Parse(time.RFC3339, crm.Call("crm", "GET /contacts/"+ada, nil).want(200).text("lastActivityAt"))
	if err != nil || last.Before(now) {
		t.Errorf("the contact's last activity was at %v, before the last note (%v)", last, err)
	}
}

// TestTags gives and takes tags: each is told of once.
func TestTags(t *testing.T) {
	crm := newCRM(t)
	ada := crm.make("/contacts", body{"email": "ada@example.com", "name": "Ada", "userId": "cus_1"})
	tags := "/contacts/" + ada + "/tags"
	crm.Call("crm", "POST "+tags, body{"tag": " VIP  Customer "}).want(201)
	crm.Call("crm", "POST "+tags, body{"tag": "vip-customer"}).want(200)
	crm.Call("crm", "POST "+tags, body{"tag": "größe:xl"}).want(201)
	crm.Call("crm", "POST "+tags, body{"tag": "a/b"}).want(400)
	if listed := crm.Call("crm", "GET "+tags, nil).want(200).list("data"); len(listed) != 2 {
		t.Errorf("tags: %v", listed)
	}
	if listed := crm.Call("crm", "GET /tags?filter[tag]=vip-customer", nil).want(200).list("data"); len(listed) != 1 {
		t.Errorf("who has the tag: %v", listed)
	}
	crm.Call("crm", "DELETE "+tags+"/gr%C3%B6%C3%9Fe:xl", nil).want(204)
	crm.Call("crm", "DELETE /tags/"+crm.all("crm", "/tags")[0]["id"].(string), nil).want(204)
	crm.Call("crm", "DELETE "+tags+"/vip-customer", nil).want(404)
	if told := fmt.Sprint(crm.events("crm.contact.tagged")); strings.Count(told, "contactId:"+ada) != 2 || !strings.Contains(told, "userId:cus_1") {
		t.Errorf("told of tags given: %s", told)
	}
	if told := crm.events("crm.contact.untagged"); len(told) != 2 {
		t.Errorf("told of tags taken: %v", told)
	}
}
