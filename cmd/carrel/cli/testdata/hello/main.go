// Command hello is the smallest plugin there is.
package main

import "github.com/carrel-dev/carrel/sdk"

type greeting struct {
	Text string `json:"text"`
}

func init() {
	sdk.Plugin("hello", "1.0.0", nil).
		Publisher("carrel").
		Title("Hello").
		Summary("Says hello.").
		Query("GET /", func(*sdk.Ctx) (greeting, error) { return greeting{"hello"}, nil }, sdk.Summary("Say hello"))
}

func main() {}
