package console

import (
	"slices"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// change is one thing that a version of a plugin may do and another may not, in a
// sentence.
type change struct {
	Words string
	More  bool // the new version may do it; if not, the old one may
}

// changes puts what an offered release would change of the installed one into
// the view.
func (c *Console) changes(v *visit, view *pluginView, offered core.Release) error {
	if !view.Offer.newer() {
		return nil
	}
	_, installed, err := c.Installations.Get(v.UserContext(), v.ws.ID, v.actor, view.Offer.Alias)
	if err != nil {
		return err
	}
	view.Changes = changesBetween(installed, &offered.Manifest)
	return nil
}

// changesBetween compares what two manifests of a plugin ask for and bring: first
// what the new one adds.
func changesBetween(before, after *abi.Manifest) (changes []change) {
	had, has := promises(before), promises(after)
	for _, words := range has {
		if !slices.Contains(had, words) {
			changes = append(changes, change{words, true})
		}
	}
	for _, words := range had {
		if !slices.Contains(has, words) {
			changes = append(changes, change{words, false})
		}
	}
	return changes
}

// promises are what a manifest asks for and brings, a sentence each.
func promises(m *abi.Manifest) (list []string) {
	for _, a := range asksOf(core.Requests(m)) {
		if len(a.Hosts) == 0 {
			list = append(list, a.Words)
		}
		for _, host := range a.Hosts {
			list = append(list, "It talks to "+host+".")
		}
		for _, events := range a.Events {
			list = append(list, "It is told of "+events.Pattern+".")
		}
		for _, domain := range a.Domains {
			list = append(list, "It is the only plugin that tells of "+domain+".*")
		}
	}
	for _, p := range m.Permissions {
		list = append(list, p.Doc+": "+holders(p)+".")
	}
	for _, r := range m.Routes {
		if r.Public {
			list = append(list, "Anybody may use "+r.Method+" "+r.Path+" without signing in.")
		}
	}
	for _, s := range m.Schedules {
		list = append(list, "It works by the schedule "+s.Name+" ("+s.Cron+").")
	}
	for _, p := range m.Pages {
		list = append(list, "It has the page "+p.Title+".")
	}
	for _, t := range m.Tables {
		list = append(list, "It keeps "+t.Name+orNothing(": ", t.Doc)+".")
	}
	return list
}
