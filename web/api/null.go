package api

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carrel-dev/carrel/core"
)

// refuseNulls refuses a null where the operation's document has none. Huma
// takes one for a member that is not there, and for a limit that means there is
// none: a client that lost its list of scopes would get a token without limits.
func (a *API) refuseNulls(ctx huma.Context) error {
	body := ctx.Operation().RequestBody
	if body == nil || body.Content["application/json"] == nil {
		return nil
	}
	data, err := io.ReadAll(ctx.BodyReader())
	if err != nil {
		return core.Wrap("api.refuseNulls", core.Unavailable, err)
	}
	var value any
	if json.Unmarshal(data, &value) != nil {
		return nil // huma says what is wrong
	}
	var wrong core.Violations
	a.nulls(&wrong, "body", body.Content["application/json"].Schema, value)
	return wrong.Err("api.refuseNulls", "The request is not what this operation takes; errors says where.")
}

func (a *API) nulls(wrong *core.Violations, at string, schema *huma.Schema, value any) {
	for schema != nil && schema.Ref != "" {
		schema = a.huma.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	if schema == nil {
		return
	}
	switch value := value.(type) {
	case nil:
		if schema.Type != "" && !schema.Nullable {
			wrong.Add(at, "must not be null")
		}
	case map[string]any:
		for name, inner := range value {
			a.nulls(wrong, at+"."+name, schema.Properties[name], inner)
		}
	case []any:
		for i, inner := range value {
			a.nulls(wrong, fmt.Sprintf("%s[%d]", at, i), schema.Items, inner)
		}
	}
}
