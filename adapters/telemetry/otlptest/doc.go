// Package otlptest is a receiver of OpenTelemetry's traces over HTTP, as a
// collector is one, for tests of whoever sends them. It reads what was really
// sent. It must never import anything of the house.
package otlptest
