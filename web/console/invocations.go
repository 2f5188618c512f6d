package console

import (
	"maps"
	"net/url"
	"slices"

	"github.com/carrel-dev/carrel/core"
)

// invocations lists the calls of plugins.
func (c *Console) invocations(v *visit) error {
	before, err := v.before("inv_")
	if err != nil {
		return err
	}
	var view invocationsView
	if view.Invocations, err = c.History.Invocations(v.UserContext(), v.ws.ID, core.InvocationID(before), listed); err != nil {
		return err
	}
	if view.Names, err = c.names(v); err != nil {
		return err
	}
	var last string
	if len(view.Invocations) == listed {
		last = string(view.Invocations[listed-1].ID)
	}
	view.First, view.Next = v.pages("/invocations", url.Values{}, before, last)
	return render(v.Ctx, invocationsPage(v.frame("Invocations"), view))
}

// invocation shows one, with its log.
func (c *Console) invocation(v *visit) error {
	record, err := c.History.Invocation(v.UserContext(), v.ws.ID, core.InvocationID(param(v.Ctx, "id")))
	if err != nil {
		return err
	}
	titles, err := c.names(v)
	if err != nil {
		return err
	}
	return render(v.Ctx, invocationPage(v.frame(record.Handler, v.above("Invocations", "/invocations")),
		invocationView{InvocationRecord: record, Plugin: titles.of(record.Install)}))
}

func sortedNames(fields map[string]any) []string { return slices.Sorted(maps.Keys(fields)) }
