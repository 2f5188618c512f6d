// Command probe is a plugin for tests: it asks the host for any operation a
// request names, changes documents slowly, and computes without asking for
// anything. It is never published to anybody.
package main

import (
	"embed"
	"encoding/json"
	"time"

	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/sdk"
)

// note is something to read and change.
type note struct {
	Title string `json:"title" carrel:"required,index,max=200,doc=What it is about"`
	Label string `json:"label" carrel:"unique,max=200,doc=A word no other note has"`
	Count int    `json:"count" carrel:"default=0,index,doc=How often it was incremented"`
}

var notes = sdk.Table[note]("notes", "Notes")

// noted is the data of probe.noted.
type noted struct {
	Title string `json:"title"`
}

var notedEvent = sdk.Event[noted]("probe.noted", 1, "Something was noted")

// heard is what the probe was told of another plugin's contacts.
type heard struct {
	Event string `json:"event" carrel:"required,unique,max=100,doc=The event's id"`
	Name  string `json:"name" carrel:"max=200,doc=Of the contact"`
	Hop   int    `json:"hop" carrel:"doc=Deliveries before this one"`
}

var hearsay = sdk.Table[heard]("heard", "What was heard of contacts")

type settings struct {
	Color string `json:"color,omitempty" carrel:"doc=Any colour"`
	Key   string `json:"key,omitempty" carrel:"secret,doc=A secret"`

	SMTP sdk.SMTP `json:"smtp,omitzero"`
}

func init() {
	sdk.Plugin("probe", "1.0.0", embed.FS{}).
		Publisher("carrel").Title("Probe").Summary("Asks the host for whatever a test wants.").License("Apache-2.0").
		Uses(abi.CapabilityData, "To keep notes.").
		Uses(abi.CapabilityEvents, "To tell about notes and to hear of contacts.").
		Uses(abi.CapabilityJobs, "To note later.").
		Uses(abi.CapabilityBilling, "To count notes.").
		Uses(abi.CapabilityAccess, "To give members its scopes.").
		Uses(abi.CapabilityHTTP, "To ask a server.", "api.example.com").
		Uses(abi.CapabilityMail, "To send mail.").
		Uses(abi.CapabilityBlobs, "To keep pictures.").
		Permission("probe.notes.read", "See notes", "member").
		Permission("probe.notes.write", "Change notes", "member").
		Meter("effects", "Notes made").
		Settings(settings{}).
		Tables(notes, hearsay).
		Emits(notedEvent).
		Mutation("POST /notes", notes.Create, sdk.Scope("probe.notes.write")).
		Query("GET /notes", notes.List, sdk.Scope("probe.notes.read")).
		Query("GET /notes/:id", notes.Show, sdk.Scope("probe.notes.read")).
		Mutation("PATCH /notes/:id", notes.Change, sdk.Scope("probe.notes.write")).
		Mutation("DELETE /notes/:id", notes.Remove, sdk.Scope("probe.notes.write")).
		Mutation("POST /notes/:id/move", move, sdk.Scope("probe.notes.write")).
		Mutation("POST /notes/:id/increment", increment, sdk.Scope("probe.notes.write")).
		Mutation("POST /notes/:id/slowly", slowly, sdk.Scope("probe.notes.write")).
		Mutation("POST /pictures", hang, sdk.Raw, sdk.Scope("probe.notes.write")).
		Query("GET /pictures/:digest", look, sdk.Raw, sdk.Scope("probe.notes.read")).
		Mutation("POST /ask", ask, sdk.Scope("probe.notes.write")).
		Action("POST /act", ask, sdk.Scope("probe.notes.write")).
		Query("GET /heard", hearsay.List, sdk.Scope("probe.notes.read")).
		On("crm.contact.created", hear).
		On("hostile.*", overhear).
		On("ping.*", overhear).
		On("core.member.added", overhear).
		Job("note", later).
		Every("0 7 1 1 *", "yearly", func(*sdk.Ctx) error { return nil }).
		Page("/notes", "Notes", page, sdk.Scope("probe.notes.read")).
		Page("/notes/:id", "Note", notePage, sdk.Scope("probe.notes.read")).
		Page("/board", "Board", boardPage, sdk.Scope("probe.notes.read")).
		Page("/gallery", "Gallery", gallery, sdk.Scope("probe.notes.read"))
}

func main() {}

func increment(c *sdk.Ctx) (sdk.RawDoc[note], error) {
	doc, err := notes.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return sdk.RawDoc[note]{}, err
	}
	return notes.Patch(c, doc.ID, map[string]int{"count": doc.Body.Count + 1})
}

// slowly computes between reading and writing, without a word to the host, for
// as many rounds as it is told.
func slowly(c *sdk.Ctx, in struct {
	Rounds int `json:"rounds"`
}) (sdk.RawDoc[note], error) {
	doc, err := notes.Get(c, sdk.ID(c.Param("id")))
	if err != nil {
		return sdk.RawDoc[note]{}, err
	}
	sum := uint64(c.Now().UnixNano())
	for range in.Rounds {
		sum = sum*6364136223846793005 + 1442695040888963407
	}
	return notes.Patch(c, doc.ID, map[string]int{"count": doc.Body.Count + 1 + int(sum>>63)*0})
}

// asking is an operation a test wants of the host.
type asking struct {
	Op      abi.Op          `json:"op"`
	Request json.RawMessage `json:"request"`
}

// told is what the host answered.
type told struct {
	Status   uint32          `json:"status"`
	Response json.RawMessage `json:"response"`
}

func ask(_ *sdk.Ctx, in asking) (told, error) {
	response, status := hostCall(in.Op, in.Request)
	return told{status, response}, nil
}

// hear keeps what it is told of a contact. It cannot stand one of the name "poison".
func hear(c *sdk.Ctx, in struct {
	Name string `json:"name"`
}) error {
	c.Log(sdk.Info, "told of a contact", "attempt", c.Attempt())
	if in.Name == "poison" {
		return sdk.Invalid("%s is more than the probe can take", in.Name)
	}
	_, err := hearsay.Insert(c, heard{Event: c.Event().ID, Name: in.Name, Hop: c.Event().Hop})
	return err
}

// overhear keeps the type of what it is told of.
func overhear(c *sdk.Ctx, _ json.RawMessage) error {
	_, err := hearsay.Insert(c, heard{Event: c.Event().ID, Name: c.Event().Type, Hop: c.Event().Hop})
	return err
}

func later(c *sdk.Ctx, in noted) error {
	_, err := notes.Insert(c, note{Title: in.Title, Label: in.Title + c.Now().Format(time.RFC3339Nano)})
	return err
}
