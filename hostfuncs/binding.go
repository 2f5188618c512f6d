package hostfuncs

import (
	"context"
	"encoding/json"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

// Binding is everything an operation may know: who is calling, for whom, and
// within what. The dispatcher makes one for every run of a handler.
type Binding struct {
	Workspace    core.Workspace
	Installation core.Installation
	Manifest     *abi.Manifest
	Plan         core.Plan
	Actor        core.Actor
	Kind         abi.Kind
	Trigger      abi.Trigger
	Invocation   core.InvocationID
	Hop          int       // of the events the handler emits, and the jobs it schedules
	Now          time.Time // the invocation's clock

	// Unit is what the run reads and writes. It is nil for an action.
	Unit Unit
	// Grant records, in the unit, that a role has scopes of the plugin.
	Grant func(role core.Role, scopes []string)
	// Mutate runs a mutation job of the plugin as a unit of its own. It is nil
	// unless the handler is an action.
	Mutate func(ctx context.Context, handler string, payload json.RawMessage) (json.RawMessage, error)
	// Schemas checks the data of events whose type declares a schema. Nil refuses
	// them.
	Schemas Schemas
	// Log takes the guest's log lines. Nil drops them.
	Log func(abi.LogRequest)
	// Fetch performs outbound requests. Nil refuses them.
	Fetch Fetcher
	// Post sends mail. Nil refuses it.
	Post *Post
	// Secret opens a secret setting of the installation, by the names of the
	// properties it is in, for the host's own use: an operation never answers
	// with it. A setting that is not set is empty.
	Secret func(path ...string) (core.Secret, error)
	// Budget bounds what the run may ask for. The zero value is DefaultBudget.
	Budget Budget
}

// Unit is the part of a unit of work that operations use.
type Unit interface {
	Insert(ctx context.Context, table string, body json.RawMessage) (core.Document, error)
	Get(ctx context.Context, table string, id core.DocumentID) (core.Document, error)
	Patch(ctx context.Context, table string, id core.DocumentID, body json.RawMessage, ifVersion int64) (core.Document, error)
	Replace(ctx context.Context, table string, id core.DocumentID, body json.RawMessage, ifVersion int64) (core.Document, error)
	Delete(ctx context.Context, table string, id core.DocumentID, ifVersion int64) error
	Query(ctx context.Context, q abi.QueryRequest) (docs []core.Document, nextCursor string, err error)
	Count(ctx context.Context, table string, filter []abi.Filter) (count int, capped bool, err error)
	Usage(ctx context.Context, meter string) (int64, error)
	PutBlob(ctx context.Context, data []byte, mediaType string, limit int64) (core.Blob, error)
	Blob(ctx context.Context, digest core.Digest) (core.Blob, []byte, error)
	Add(core.Change)
}

// Schemas checks the data of an event against the JSON Schema of its type.
type Schemas interface {
	// CheckEvent fails with Invalid and violations located below "data".
	CheckEvent(schema, data json.RawMessage) error
}

// Fetcher performs an outbound request to one of hosts, or refuses it.
type Fetcher interface {
	Fetch(ctx context.Context, hosts []string, request abi.FetchRequest) (abi.FetchResponse, error)
}

// Budget bounds what one run of a handler may ask of the host.
type Budget struct {
	Calls         int   // operations
	RequestBytes  int64 // of all requests together
	ResponseBytes int64 // of all responses together
	LogLines      int
	Fetches       int // outbound requests
	Mails         int
}

// DefaultBudget is generous for a page or a batch of an import, and far from
// what would hurt a neighbour.
var DefaultBudget = Budget{
	Calls:         10_000,
	RequestBytes:  16 << 20,
	ResponseBytes: 64 << 20,
	LogLines:      1_000,
	Fetches:       20,
	Mails:         50,
}
