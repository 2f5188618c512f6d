package main

import (
	"github.com/carrel-dev/carrel/sdk"
	"github.com/carrel-dev/carrel/sdk/ui"
)

func page(c *sdk.Ctx) (ui.Tree, error) {
	found, err := notes.All().Page(c)
	if err != nil {
		return ui.Tree{}, err
	}
	rows, next, err := found.Rows()
	return ui.Page("Notes", ui.Table([]ui.Column{{Key: "title", Label: "Title"}}, rows, next)), err
}
