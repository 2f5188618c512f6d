// Package telemetry tells operators what a server does: metrics for Prometheus,
// and traces for whoever takes OpenTelemetry's.
//
// It imports core, and is the observer that others declare: of requests (web),
// invocations (core/dispatch) and attempts (core/events), and of the steps that
// cmd/carrel/app tells it of. It must never import them, nor use a registry or a
// tracer of the whole process.
//
// What is measured has labels of few values: never a workspace, an alias, an id,
// a path or anything else that a tenant chooses. A trace has ids of workspaces and
// installations, as it is the operator's alone, but no body, no address, no
// setting and no text of an error.
//
// Start with telemetry.go, then observe.go.
package telemetry
