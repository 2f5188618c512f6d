package main

import "github.com/carrel-dev/carrel/sdk"

// hung is a picture that is kept, and the note of it.
type hung struct {
	Digest string `json:"digest"`
	Note   string `json:"note"`
}

// hang keeps the bytes of a request, and a note of them. One that is called "drop"
// falls off the wall after it was kept.
func hang(c *sdk.Ctx) (hung, error) {
	kept, err := c.PutBlob(c.Body(), c.Header("content-type"))
	if err != nil {
		return hung{}, err
	}
	title := c.Query("title")
	doc, err := notes.Insert(c, note{Title: title, Label: title + kept.Digest})
	if err != nil {
		return hung{}, err
	}
	if title == "drop" {
		return hung{}, sdk.Invalid("It fell off the wall.")
	}
	return hung{Digest: kept.Digest, Note: string(doc.ID)}, nil
}

// look shows a picture.
func look(c *sdk.Ctx) (sdk.Bytes, error) {
	kept, err := c.Blob(c.Param("digest"))
	return sdk.Bytes{Type: kept.Type, Content: kept.Data}, err
}
