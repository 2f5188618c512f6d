package sdk

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
)

// Bytes is what a Raw route answers when it is not JSON: a page, a file. A
// browser shows text, pictures and HTML, and saves anything else; the host
// gives HTML a policy of its own, under which it has no scripts and its forms
// reach this server only.
type Bytes struct {
	Type    string // media type, such as "text/csv"
	Content []byte
}

// HTML is a page for people who are not in the console: a public Raw route
// answers it. What is not the plugin's own text must be escaped in it.
func HTML(page string) Bytes { return Bytes{"text/html", []byte(page)} }

var bytesType = reflect.TypeFor[Bytes]()

// appendBytes goes on with an abi.Response whose status is there.
func (c *Ctx) appendBytes(head []byte) []byte {
	c.SetHeader("content-type", c.bytes.Type)
	headers, _ := json.Marshal(c.headers)
	head = append(append(head, `,"headers":`...), headers...)
	head = base64.StdEncoding.AppendEncode(append(head, `,"raw":"`...), c.bytes.Content)
	return append(head, `"}`...)
}
