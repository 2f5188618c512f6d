package hostfuncs

import (
	"context"
	"slices"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
)

const (
	maxJobPayload = 256 << 10 // bytes
	maxJobDelay   = 366 * 24 * time.Hour
)

var jobOperations = []Operation{
	{abi.OpJobsSchedule, "jobs.schedule", abi.CapabilityJobs, mutations, "Add a job to the unit of work.", with(jobsSchedule)},
	{abi.OpJobsCancel, "jobs.cancel", abi.CapabilityJobs, mutations, "Cancel a job that has not begun.", with(jobsCancel)},
}

func jobsSchedule(ctx context.Context, h *Host, r abi.ScheduleRequest) (abi.IDResponse, error) {
	const op = "jobs.schedule"
	var none abi.IDResponse
	if _, ok := job(h.b.Manifest, r.Handler); !ok {
		return none, undeclaredJob(op, r.Handler)
	}
	if len(r.Payload) > maxJobPayload {
		return none, core.E(op, core.TooLarge,
			"A job's payload holds at most %d bytes, and this one has %d. Keep the data in a table and send its id.",
			maxJobPayload, len(r.Payload))
	}
	if r.DelayMS < 0 || r.DelayMS > maxJobDelay.Milliseconds() {
		return none, place(op, "delayMs", "must be between 0 and 366 days")
	}
	delivery := core.Delivery{
		ID: core.NewDeliveryID(), Workspace: h.b.Workspace.ID, Install: h.b.Installation.ID,
		Handler: r.Handler, Payload: r.Payload, State: core.DeliveryPending,
		Due: h.b.Now.Add(time.Duration(r.DelayMS) * time.Millisecond), Hop: h.b.Hop, Created: h.b.Now,
		Trace: core.TraceOf(ctx),
	}
	if r.DelayMS > 0 {
		// A job that schedules itself again has no end, and a trace must have one.
		delivery.Trace = core.Trace{Request: core.NewRequestID()}
	}
	h.b.Unit.Add(core.PutDelivery{Delivery: delivery})
	return abi.IDResponse{ID: string(delivery.ID)}, nil
}

// jobsCancel removes a job that has not begun. One that has begun, is done, or
// was never there is left alone: the three look the same to the caller, as the
// difference could be gone before the unit commits.
func jobsCancel(_ context.Context, h *Host, r abi.IDRequest) (nothing, error) {
	if !core.ValidID("dlv_", r.ID) {
		return nothing{}, place("jobs.cancel", "id", "must be an id that jobs.schedule answered")
	}
	h.b.Unit.Add(core.CancelDelivery{ID: core.DeliveryID(r.ID), Install: h.b.Installation.ID})
	return nothing{}, nil
}

// job finds a job of the manifest.
func job(m *abi.Manifest, name string) (abi.Job, bool) {
	i := slices.IndexFunc(m.Jobs, func(j abi.Job) bool { return j.Name == name })
	if i < 0 {
		return abi.Job{}, false
	}
	return m.Jobs[i], true
}

func undeclaredJob(op, name string) error {
	return core.E(op, core.Invalid,
		`The manifest declares no job %q. Add it: jobs: [{"name": %q, "kind": "mutation"}].`, name, name)
}
