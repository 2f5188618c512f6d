package main

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/carrel-dev/carrel/sdk"
)

// Timeline is a page of what there is about a contact, the latest first.
type Timeline struct {
	Data       []TimelineEntry `json:"data"`
	NextCursor string          `json:"nextCursor,omitempty"`
}

// TimelineEntry is an activity, a deal or a task. Its time is when the activity
// happened, or the deal or task was added.
type TimelineEntry struct {
	Kind     string          `json:"kind" carrel:"enum=activity|deal|task"`
	At       time.Time       `json:"at"`
	Document json.RawMessage `json:"document" carrel:"doc=The activity, deal or task"`
}

type timelineRequest struct {
	Limit  int    `json:"-" query:"limit" carrel:"doc=How many to answer, 1 to 200; 50 without it."`
	Cursor string `json:"-" query:"cursor" carrel:"doc=The nextCursor of the page before."`
}

// showTimeline answers a page of a contact's timeline. Deals are for those who
// may see deals.
func showTimeline(c *sdk.Ctx, in timelineRequest) (Timeline, error) {
	contact, err := named(c)
	if err != nil {
		return Timeline{}, err
	}
	if c.Query("limit") == "" {
		in.Limit = 50
	}
	if in.Limit < 1 || in.Limit > 200 {
		return Timeline{}, sdk.Violation("query.limit", "must be a whole number from 1 to 200")
	}
	return timelineOf(c, contact.ID, in.Limit, in.Cursor)
}

// timelineOf twists the strands of a contact into a timeline.
func timelineOf(c *sdk.Ctx, contact sdk.ID, limit int, cursor string) (Timeline, error) {
	strands := []*strand{
		newStrand("activity", func() *sdk.QueryOf[Activity] { return activities.Where("contactId", contact).Sort("-occurredAt") }),
		newStrand("task", func() *sdk.QueryOf[Task] { return tasks.Where("contactId", contact).Sort("-createdAt") }),
	}
	allowed, err := c.Allowed(readDeals)
	if err != nil {
		return Timeline{}, err
	}
	if allowed {
		strands = append(strands, newStrand("deal", func() *sdk.QueryOf[Deal] { return deals.Where("contactId", contact).Sort("-createdAt") }))
	}
	if !resume(strands, cursor) {
		return Timeline{}, sdk.Violation("query.cursor", "is not a cursor of this list; begin again without one")
	}
	line := Timeline{Data: []TimelineEntry{}}
	for len(line.Data) < limit {
		var next *strand
		for _, s := range strands {
			if err := s.fill(c, limit); err != nil {
				return Timeline{}, err
			}
			if entry := s.head(); entry != nil && (next == nil || entry.At.After(next.head().At)) {
				next = s
			}
		}
		if next == nil {
			return line, nil
		}
		line.Data = append(line.Data, *next.head())
		next.used++
	}
	line.NextCursor, err = remember(c, strands)
	return line, err
}

// strand is one kind of entry of a timeline, in its own order. It knows the page
// it is in: where that begins, what is in it and how much of it is used.
type strand struct {
	kind  string
	query func(c *sdk.Ctx, cursor string, limit int) (rows []json.RawMessage, next string, err error)
	begin string
	page  []TimelineEntry
	used  int
	next  string
	read  bool // the page was read
	done  bool // there is nothing behind it
}

func newStrand[T any](kind string, query func() *sdk.QueryOf[T]) *strand {
	return &strand{kind: kind, query: func(c *sdk.Ctx, cursor string, limit int) ([]json.RawMessage, string, error) {
		page, err := query().Limit(limit).Cursor(cursor).Page(c)
		if err != nil {
			return nil, "", err
		}
		return page.Rows()
	}}
}

// head is the entry that is next, if its page has one.
func (s *strand) head() *TimelineEntry {
	if s.used == len(s.page) {
		return nil
	}
	return &s.page[s.used]
}

// fill reads pages until there is a head, or nothing is left.
func (s *strand) fill(c *sdk.Ctx, limit int) error {
	for !s.done && s.head() == nil {
		if s.read {
			if s.next == "" {
				s.done = true
				return nil
			}
			s.begin = s.next
		}
		rows, next, err := s.query(c, s.begin, limit)
		if err != nil {
			return err
		}
		s.page, s.used, s.next, s.read = s.page[:0], 0, next, true
		for _, row := range rows {
			var times struct{ OccurredAt, CreatedAt time.Time }
			if err := json.Unmarshal(row, &times); err != nil {
				return err
			}
			entry := TimelineEntry{Kind: s.kind, At: times.CreatedAt, Document: row}
			if !times.OccurredAt.IsZero() {
				entry.At = times.OccurredAt
			}
			s.page = append(s.page, entry)
		}
	}
	return nil
}

// A timeline's cursor holds, for each strand that goes on, the cursor of its own
// query.

func resume(strands []*strand, cursor string) bool {
	if cursor == "" {
		return true
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return false
	}
	var begins map[string]string
	if json.Unmarshal(text, &begins) != nil {
		return false
	}
	for _, s := range strands {
		begin, ok := begins[s.kind]
		s.begin, s.done = begin, !ok
	}
	return true
}

// remember makes the cursor of what was not used, empty if nothing is left. Of a
// page that was used in part, the place is asked for once more.
func remember(c *sdk.Ctx, strands []*strand) (string, error) {
	begins := map[string]string{}
	for _, s := range strands {
		switch {
		case s.done || s.used == len(s.page) && s.next == "":
			continue
		case s.used == len(s.page):
			begins[s.kind] = s.next
		case s.used == 0:
			begins[s.kind] = s.begin
		default:
			_, next, err := s.query(c, s.begin, s.used)
			if err != nil {
				return "", err
			}
			begins[s.kind] = next
		}
	}
	if len(begins) == 0 {
		return "", nil
	}
	text, err := json.Marshal(begins)
	return base64.RawURLEncoding.EncodeToString(text), err
}
