package hostfuncs

import (
	"context"
	"fmt"
	"slices"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

var billingOperations = []Operation{
	{abi.OpBillingEntitled, "billing.entitled", abi.CapabilityBilling, inUnit, "Ask whether the plan lets a meter grow.", with(billingEntitled)},
	{abi.OpBillingRecord, "billing.record", abi.CapabilityBilling, mutations, "Add to a meter, within the plan's quota.", with(billingRecord)},
	{abi.OpBillingPlan, "billing.plan", abi.CapabilityBilling, anyKind, "Describe the workspace's plan.", with(billingPlan)},
}

func billingEntitled(ctx context.Context, h *Host, r abi.EntitledRequest) (abi.EntitledResponse, error) {
	meter, err := h.meter("billing.entitled", r.Meter)
	if err != nil {
		return abi.EntitledResponse{}, err
	}
	used, err := h.b.Unit.Usage(ctx, meter)
	if err != nil {
		return abi.EntitledResponse{}, err
	}
	limit, limited := h.b.Plan.Quota(meter)
	if !limited {
		return abi.EntitledResponse{Entitled: true, Used: used, Limit: -1}, nil
	}
	return abi.EntitledResponse{Entitled: fits(used, r.Quantity, limit), Used: used, Limit: limit}, nil
}

// billingRecord checks the quota twice: here, on what the unit has read, so
// that the handler can act on a refusal; and in the commit, where it is exact.
// Only meters with a quota are read, so the others never conflict.
func billingRecord(ctx context.Context, h *Host, r abi.RecordRequest) (nothing, error) {
	const op = "billing.record"
	meter, err := h.meter(op, r.Meter)
	if err != nil {
		return nothing{}, err
	}
	if r.Quantity < -core.MaxUsage || r.Quantity > core.MaxUsage {
		return nothing{}, place(op, "quantity", fmt.Sprintf("must be between -%d and %[1]d", core.MaxUsage))
	}
	limit, limited := h.b.Plan.Quota(meter)
	if !limited {
		limit = -1
	} else if r.Quantity > 0 {
		used, err := h.b.Unit.Usage(ctx, meter)
		if err != nil {
			return nothing{}, err
		}
		if !fits(used, r.Quantity, limit) {
			return nothing{}, core.E(op, core.QuotaExceeded,
				"The plan %s includes %d of %s, and %d are used. An owner or admin can change the plan.",
				h.b.Plan.Title, limit, meter, used)
		}
	}
	h.b.Unit.Add(core.AddUsage{Install: h.b.Installation.ID, Meter: meter, Quantity: r.Quantity, Limit: limit})
	return nothing{}, nil
}

func billingPlan(_ context.Context, h *Host, _ nothing) (abi.PlanResponse, error) {
	return abi.PlanResponse{ID: h.b.Plan.ID, Title: h.b.Plan.Title, Quotas: h.b.Plan.Quotas}, nil
}

// meter is the full name of a declared meter: `<plugin>.<meter>`.
func (h *Host) meter(op, name string) (string, error) {
	if !slices.ContainsFunc(h.b.Manifest.Meters, func(m abi.Meter) bool { return m.Name == name }) {
		return "", core.E(op, core.Invalid, `The manifest declares no meter %q. Add it: meters: [{"name": %q}].`, name, name)
	}
	return h.b.Manifest.Name + "." + name, nil
}

// fits reports whether used + quantity stays within limit, without overflowing.
func fits(used, quantity, limit int64) bool {
	return quantity <= 0 || used <= limit && quantity <= limit-used
}
