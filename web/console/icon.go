package console

// icons are the pictures that plugins and the console's own pages name: paths on
// 16 by 16, drawn as lines. The text beside a picture says what it means.
// docs/authors.md lists their names.
var icons = map[string]string{
	"ban":       "M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12z M3.8 3.8l8.4 8.4",
	"bolt":      "M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z",
	"book":      "M8 3.5C6.5 2.5 4.5 2.5 2 3v10c2.5-.5 4.5-.5 6 .5 1.5-1 3.5-1 6-.5V3c-2.5-.5-4.5-.5-6 .5z M8 3.5v10",
	"box":       "M2 5l6-3 6 3v6.5l-6 3-6-3z M2 5l6 3 6-3 M8 8v6.5",
	"building":  "M3 14V2h7v12 M10 6h3v8 M1.5 14h13 M5.5 5h2 M5.5 8h2 M5.5 11h2",
	"calendar":  "M2 3.5h12V14H2z M2 6.5h12 M5 1.5v3 M11 1.5v3",
	"cart":      "M1.5 2.5h2l2 8h7L14 5H4.2 M6.5 13.5h.01 M11.5 13.5h.01",
	"chart":     "M2 2v12h12 M5.5 11V8 M8.5 11V4.5 M11.5 11V6.5",
	"chat":      "M2 3h12v8H7l-3 3v-3H2z",
	"clock":     "M8 14a6 6 0 1 0 0-12 6 6 0 0 0 0 12z M8 4.5V8l2.5 1.5",
	"columns":   "M2 2.5h12v11H2z M6 2.5v11 M10 2.5v11",
	"done":      "M2 8.5l4 4 8-9",
	"file":      "M4 1.5h5l3 3v10H4z M9 1.5v3h3",
	"grid":      "M2.5 2.5H7V7H2.5z M9 2.5h4.5V7H9z M2.5 9H7v4.5H2.5z M9 9h4.5v4.5H9z",
	"home":      "M2 7.5l6-5 6 5 M3.5 6.5v7h9v-7",
	"inbox":     "M2 9.5L4 3h8l2 6.5V13H2z M2 9.5h3.5l1 1.5h3l1-1.5H14",
	"mail":      "M1.5 3.5h13v9h-13z M1.5 4l6.5 5 6.5-5",
	"megaphone": "M2.5 6.5v3H5l6.5 3.5V3L5 6.5z M5.5 9.7l1 3.8H8 M13.5 6.5v3",
	"money":     "M1.5 4h13v8h-13z M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
	"note":      "M3 1.5h7l3 3v10H3z M5.5 7h5 M5.5 10h5",
	"person":    "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6z M2.5 14.5c.5-3 2.6-4.5 5.5-4.5s5 1.5 5.5 4.5",
	"phone":     "M3 2h3l1 3.5L5.5 7c.7 1.6 1.9 2.8 3.5 3.5L10.5 9l3.5 1v3c-6 .8-11.8-5-11-11z",
	"play":      "M4.5 2.5l8 5.5-8 5.5z",
	"sliders":   "M2 5h7 M12 5h2 M2 11h2 M7 11h7 M10.5 6.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z M5.5 12.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
	"tag":       "M2 2h6l6 6-6 6-6-6z M5 5h.01",
	"task":      "M2 8.5l4 4 8-9",
	"upload":    "M8 10.5v-8 M4.5 6L8 2.5 11.5 6 M2.5 10.5v3h11v-3",
	"users":     "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z M1.5 13.5c.4-2.7 2-4 4.5-4s4.1 1.3 4.5 4 M10.5 2.8a2.5 2.5 0 0 1 0 4.4 M12 9.8c1.5.6 2.3 1.8 2.5 3.7",
	"warning":   "M8 2l6.5 12h-13z M8 6.5V10 M8 12h.01",
}

// dot is the picture for a name that has none: plugins may know more than this
// console does.
const dot = "M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z"

// lines is how an icon is drawn.
func lines(icon string) string {
	if path, ok := icons[icon]; ok {
		return path
	}
	return dot
}
