package console

import (
	"net/url"
	"slices"
	"strings"

	"github.com/carrel-dev/carrel/core"
)

// events lists what plugins told of.
func (c *Console) events(v *visit) error {
	ctx := v.UserContext()
	before, err := v.before("evt_")
	if err != nil {
		return err
	}
	view := eventsView{Type: strings.Clone(v.Query("type"))}
	if view.Types, err = c.eventTypes(v); err != nil {
		return err
	}
	if view.Type != "" && !slices.Contains(view.Types, view.Type) {
		view.Types = append(view.Types, view.Type) // of a plugin that is gone
	}
	list, err := c.History.Events(ctx, v.ws.ID, view.Type, core.EventID(before), listed)
	if err != nil {
		return err
	}
	ids := make([]core.EventID, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	deliveries, err := c.History.DeliveriesOf(ctx, v.ws.ID, ids)
	if err != nil {
		return err
	}
	for _, e := range list {
		line := eventLine{Event: e}
		for _, d := range deliveries {
			if d.Event == e.ID {
				line.Deliveries = append(line.Deliveries, d)
			}
		}
		view.Events = append(view.Events, line)
	}
	filter := url.Values{}
	if view.Type != "" {
		filter.Set("type", view.Type)
	}
	var last string
	if len(list) == listed {
		last = string(list[len(list)-1].ID)
	}
	view.First, view.Next = v.pages("/events", filter, before, last)
	return render(v.Ctx, eventsPage(v.frame("Events"), view))
}

// pages are the addresses of the first page of a list, "" on it, and of the one
// after the entry last, "" without one.
func (v *visit) pages(path string, filter url.Values, before, last string) (first, next string) {
	address := func() string { return Prefix + "/w/" + v.ws.Slug + path + "?" + filter.Encode() }
	if before != "" {
		first = address()
	}
	if last != "" {
		filter.Set("before", last)
		next = address()
	}
	return first, next
}

// eventTypes are those the platform and the installed plugins emit, sorted.
func (c *Console) eventTypes(v *visit) ([]string, error) {
	list, err := c.Installations.List(v.UserContext(), v.ws.ID, v.actor)
	if err != nil {
		return nil, err
	}
	var types []string
	for _, e := range core.PlatformEvents() {
		types = append(types, e.Type)
	}
	for _, in := range list {
		release, err := c.Registry.ByDigest(v.UserContext(), in.Digest)
		if core.KindOf(err) == core.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range release.Manifest.Emits {
			types = append(types, e.Type)
		}
	}
	slices.Sort(types)
	return slices.Compact(types), nil
}

// event shows one, and what became of it.
func (c *Console) event(v *visit) error {
	ctx := v.UserContext()
	event, err := c.History.Event(ctx, v.ws.ID, core.EventID(param(v.Ctx, "id")))
	if err != nil {
		return err
	}
	view := eventView{Event: event}
	if view.Deliveries, err = c.History.DeliveriesOf(ctx, v.ws.ID, []core.EventID{event.ID}); err != nil {
		return err
	}
	if view.Names, err = c.names(v); err != nil {
		return err
	}
	return render(v.Ctx, eventPage(v.frame(event.Type, v.above("Events", "/events")), view))
}
