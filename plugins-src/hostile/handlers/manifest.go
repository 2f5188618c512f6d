//go:build wasip1

package main

import (
	"strings"

	"github.com/carrel-dev/carrel/core/abi"
)

var manifest = abi.Manifest{
	ABI: abi.Version, Name: "hostile", Publisher: "carrel", Version: "1.0.0",
	Title:   "Hostile",
	Summary: "Attacks the platform from within. For tests.",
	Capabilities: []abi.CapabilityRequest{
		{Name: abi.CapabilityData, Reason: "To have something to lose."},
		{Name: abi.CapabilityEvents, Reason: "To have something to tell."},
		{Name: abi.CapabilityBilling, Reason: "To have something to pay."},
	},
	Tables: []abi.Table{{Name: "victims", Doc: "One for each attack that was not undone", Fields: []abi.Field{
		{Name: "name", Type: abi.TypeString, Required: true, Max: 100, Index: true},
	}}},
	Emits:  []abi.EventType{{Type: "hostile.struck", Version: 1, Doc: "An attack was made"}},
	Meters: []abi.Meter{{Name: "effects", Doc: "Attacks that were not undone"}},
	Routes: routes("GET /victims", "POST /ok", "POST /trap", "POST /exit", "POST /rubbish", "POST /silence", "POST /loop", "POST /hog", "POST /flood", "POST /deep", "POST /clear", "POST /forged"),
	Limits: abi.Limits{Memory: 64 << 20, TimeMS: 3_000},
}

// routes declares a route for each handler: its name says which.
func routes(handlers ...string) []abi.Route {
	var list []abi.Route
	for _, handler := range handlers {
		method, path, _ := strings.Cut(handler, " ")
		kind := abi.KindMutation
		if method == "GET" {
			kind = abi.KindQuery
		}
		list = append(list, abi.Route{Method: method, Path: path, Kind: kind, Handler: handler})
	}
	return list
}
