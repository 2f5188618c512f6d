package core

import (
	"slices"

	"github.com/carrel-dev/carrel/core/abi"
)

// Plan is a set of plugins and quotas with a price.
type Plan struct {
	ID      string           `json:"id"`
	Title   string           `json:"title"`
	Summary string           `json:"summary"`
	Price   Money            `json:"price"`   // per month
	Plugins []string         `json:"plugins"` // names; "*" is every plugin
	Quotas  map[string]int64 `json:"quotas"`  // by meter, `<plugin>.<meter>` or `core.<meter>`; a missing one is unlimited
	// Limits are what one call of a plugin may use in the plan's workspaces, below
	// the host's own. 0 means the host's.
	Limits abi.Limits `json:"limits,omitzero"`
}

// Money is an amount in minor units of a currency (ISO 4217).
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Allows reports whether the plan includes a plugin.
func (p Plan) Allows(plugin string) bool {
	return slices.Contains(p.Plugins, plugin) || slices.Contains(p.Plugins, "*")
}

// Quota returns the plan's quota for a meter, and false when it sets none.
func (p Plan) Quota(meter string) (int64, bool) {
	q, ok := p.Quotas[meter]
	return q, ok
}
