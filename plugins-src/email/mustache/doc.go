// Package mustache renders the texts of mails: the part of Mustache that a
// person who writes mails needs, and nothing that could fail at night.
//
//	Hello {{name}},
//	{{#items}}{{title}}: {{price}}
//	{{/items}}{{^items}}Nothing was ordered.{{/items}}
//
// A name may lead into objects, {{order.number}}; {{.}} is the item itself. What
// is not there is nothing, and is reported. There are no partials, no other
// delimiters and no way to leave out the escaping.
//
// It imports the standard library only. Start with parse.go (what a text may
// say), then render.go; value.go says how values become text.
package mustache
