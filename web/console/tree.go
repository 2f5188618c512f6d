package console

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/sdk/ui"
)

// Bounds of a page's tree. A page beyond one is refused with a sentence for its
// author; a text beyond one is cut.
const (
	maxNodes = 1000
	maxDepth = 8
	maxRows  = 500 // of one table or timeline, or of all lanes of a board

	maxColumns  = 32       // of one table
	maxCells    = 20_000   // of all tables, boards and choices
	maxTabs     = 12       // of one component
	maxLanes    = 12       // of one board
	maxButtons  = 6        // of one row
	maxInputs   = 64       // of one form
	maxOptions  = 500      // of one input
	maxLabels   = 100      // of one chart
	maxSeries   = 6        // of one chart
	maxText     = 2 << 10  // of a cell, a title and the like, bytes
	maxProse    = 64 << 10 // of a text or a value to edit, bytes
	maxMarkdown = 16 << 10 // of one markdown
	maxMarked   = 64 << 10 // of all markdown
	maxBrackets = 1000     // of one markdown
	maxBytes    = 4 << 20  // of all texts and addresses
	maxRefresh  = 3600     // seconds
)

// tree is a plugin's page, checked and ready to be rendered: everything in it
// is text, and every address is one of the plugin's own pages.
type tree struct {
	Title   string
	Refresh int    // seconds; 0: never
	Here    string // the page's own address, with its query
	Once    string // marks what is sent from this showing of the page
	Calls   bool   // it has buttons, which share one form
	Moves   bool   // it has a board whose cards can be moved
	Nodes   []node
}

// node is one component. Type says which of the other members count.
type node struct {
	Type     string
	Level    int    // of its heading: 2 to 6
	ID       string // unique in the page; "" where nothing refers to it
	Title    string
	Text     string
	HTML     string // markdown, made harmless
	Tone     string // a class
	URL      string // link, stat: where it leads; "": nowhere
	Children []node

	Caption string // table: what it is, for who doesn't see where it stands
	Heads   []head
	Rows    []row
	Prev    string // table, timeline: address of the first page
	Next    string // and of the next one
	Empty   *node
	Entries []entry
	Tabs    []choice
	Lanes   []lane
	Chart   *chart
	Form    *form
	Button  *button
}

// head is the head of a column.
type head struct {
	Label string
	URL   string // sorts by it
	Sort  string // aria-sort: ascending, descending, none; "": it cannot be sorted by
	Kind  ui.Format
}

// row is a row of a table, or a card of a board.
type row struct {
	Cells   []cell
	Buttons []button
	Move    string // card: the call that moves it, as JSON, without where to
}

// entry is one thing of a timeline.
type entry struct {
	Icon, Title, Text, URL string
	Time, Stamp            string // for people, and for programs
}

// choice is one of several: a tab, an option.
type choice struct {
	Label, Value, URL string
	On                bool
}

// place is where a tree is shown, and to whom.
type place struct {
	Page    string            // address of the page
	Base    string            // and of the plugin's pages
	Query   map[string]string // the page's, without what is the console's own
	Zone    *time.Location
	Now     time.Time
	Once    string
	Refused *refusedCall // what was sent from the page and refused; nil: nothing
}

// parseTree reads what a page's handler answered.
func parseTree(raw json.RawMessage, at place) (tree, error) {
	const op = "console.parseTree"
	var from ui.Tree
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&from); err != nil || from.Type != "page" {
		return tree{}, core.E(op, core.Internal, "The plugin answered something that is not a page.")
	}
	if from.Version > ui.Version {
		return tree{}, core.E(op, core.Internal, "The plugin's page is made for a newer console (version %d, this one knows %d).",
			from.Version, ui.Version)
	}
	p := &parser{place: at}
	t := tree{Title: p.short(from.Title), Here: p.here(nil), Once: at.Once}
	p.caption = t.Title
	if from.Refresh > 0 && at.Refused == nil {
		t.Refresh = min(from.Refresh, maxRefresh)
	}
	var err error
	if t.Nodes, err = p.nodes(from.Children, 0); err != nil {
		return tree{}, err
	}
	t.Calls, t.Moves = p.calls, p.moves
	return t, p.within()
}

// parser is one run of parseTree.
type parser struct {
	place
	caption      string // the heading above the present component
	level        int    // of headings: sections so far
	count        int    // components
	cells        int
	bytes        int // of texts and addresses
	markdown     int // bytes
	forms        int
	calls, moves bool
}

func (p *parser) nodes(list []ui.Node, depth int) ([]node, error) {
	nodes := make([]node, 0, len(list))
	for _, one := range list {
		n, err := p.node(one, depth)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func (p *parser) node(from ui.Node, depth int) (node, error) {
	if p.count++; p.count > maxNodes || depth > maxDepth {
		return node{}, p.tooLarge("The plugin's page has more than %d components, or they are nested deeper than %d.", maxNodes, maxDepth)
	}
	if err := p.within(); err != nil {
		return node{}, err
	}
	n := node{Type: from.Type, Level: min(p.level+2, 6), Title: p.short(from.Title)}
	switch from.Type {
	case "text", "empty":
		n.Text = p.text(from.Text, maxProse)
	case "markdown":
		return p.prose(n, from)
	case "badge":
		n.Text, n.Tone = p.short(from.Text), toneClass(from.Tone)
	case "stat":
		p.stat(&n, from)
	case "section":
		return p.section(n, from, depth)
	case "stats", "actions":
		return p.group(n, from, depth)
	case "tabs":
		return p.tabs(n, from, depth)
	case "table":
		return p.table(n, from, depth)
	case "detail":
		return p.detail(n, from)
	case "timeline":
		return p.timeline(n, from, depth)
	case "chart":
		return p.chart(n, from)
	case "board":
		return p.board(n, from)
	case "filter":
		return p.filter(n, from)
	case "form":
		return p.form(n, from)
	case "upload":
		p.upload(&n, from)
	case "button":
		p.action(&n, from)
	case "link":
		n.URL = p.link(from.Path, from.Values)
	default:
		n.Type, n.Text = "text", p.text(from.Fallback, maxProse)
	}
	return n, nil
}

// prose renders Markdown. Reading links within links takes the square of their
// number: what looks like it is shown as it is written.
func (p *parser) prose(n node, from ui.Node) (node, error) {
	text := p.text(from.Text, maxMarkdown)
	if p.markdown += len(text); p.markdown > maxMarked {
		return n, p.tooLarge("The plugin's page has more than %d bytes of Markdown.", maxMarked)
	}
	if strings.Count(text, "[") > maxBrackets {
		n.Type, n.Text = "text", text
		return n, nil
	}
	var err error
	n.HTML, err = markdown(text)
	n.HTML = lowerHeadings(n.HTML, n.Level)
	return n, err
}

// lowerHeadings makes the headings of cleaned HTML, which have no attributes,
// those below a level.
func lowerHeadings(html string, level int) string {
	var pairs []string
	for i := 1; i <= 4; i++ {
		to := strconv.Itoa(min(level+i-1, 6))
		pairs = append(pairs, "<h"+strconv.Itoa(i)+">", "<h"+to+">", "</h"+strconv.Itoa(i)+">", "</h"+to+">")
	}
	return strings.NewReplacer(pairs...).Replace(html)
}

func (p *parser) stat(n *node, from ui.Node) {
	n.Tone, n.URL = toneClass(from.Tone), p.link(from.Path, nil)
	if n.Text = p.short(from.Text); from.Value != nil {
		n.Text = p.value(from.Value, from.Format, nil).Text
	}
}

// section is a heading and what is below it.
func (p *parser) section(n node, from ui.Node, depth int) (node, error) {
	caption := p.caption
	if n.Title != "" {
		p.caption = n.Title
	}
	p.level++
	var err error
	n.Children, err = p.nodes(from.Children, depth+1)
	p.level--
	p.caption = caption
	return n, err
}

// group is components of certain types side by side; the rest is left out.
func (p *parser) group(n node, from ui.Node, depth int) (node, error) {
	types := map[string][]string{"stats": {"stat"}, "actions": {"button", "link"}}[from.Type]
	fit := slices.DeleteFunc(slices.Clone(from.Children), func(child ui.Node) bool { return !slices.Contains(types, child.Type) })
	var err error
	n.Children, err = p.nodes(fit, depth+1)
	return n, err
}

// tabs shows the active one and links to the others.
func (p *parser) tabs(n node, from ui.Node, depth int) (node, error) {
	if len(from.Children) > maxTabs {
		return n, p.tooLarge("The plugin's page has more than %d tabs side by side.", maxTabs)
	}
	active := slices.IndexFunc(from.Children, func(tab ui.Node) bool { return tab.Name == from.Active })
	for i, tab := range from.Children {
		on := i == max(active, 0)
		n.Tabs = append(n.Tabs, choice{Label: p.short(tab.Title), URL: p.only("tab", tab.Name), On: on})
		if !on {
			continue
		}
		var err error
		if n.Children, err = p.nodes(tab.Children, depth+1); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (p *parser) timeline(n node, from ui.Node, depth int) (node, error) {
	if len(from.Entries) > maxRows {
		return n, p.tooLarge("The plugin's timeline has more than %d entries; it can page instead.", maxRows)
	}
	for _, one := range from.Entries {
		e := entry{Icon: one.Icon, Title: p.short(one.Title), Text: p.text(one.Text, maxProse), URL: p.link(one.Path, nil)}
		if !one.Time.IsZero() {
			e.Time, e.Stamp = one.Time.In(p.Zone).Format(timeLayout), one.Time.UTC().Format(time.RFC3339)
		}
		n.Entries = append(n.Entries, e)
	}
	p.pages(&n, from)
	return p.orEmpty(n, from, depth)
}

// orEmpty adds what a component shows without any content.
func (p *parser) orEmpty(n node, from ui.Node, depth int) (node, error) {
	if from.Empty == nil {
		return n, nil
	}
	empty, err := p.node(*from.Empty, depth+1)
	n.Empty = &empty
	return n, err
}

// toneClass is the console's class for a tone.
func toneClass(tone ui.Tone) string {
	switch tone {
	case ui.Info:
		return "info"
	case ui.Good:
		return "good"
	case ui.Warning:
		return "wait"
	case ui.Danger:
		return "bad"
	default:
		return "off"
	}
}

func (p *parser) tooLarge(format string, args ...any) error {
	return core.E("console.parseTree", core.TooLarge, format, args...)
}

// within reports whether the tree became too large to be shown.
func (p *parser) within() error {
	if p.bytes > maxBytes {
		return p.tooLarge("The plugin's page is longer than %d bytes; it can page instead.", maxBytes)
	}
	return nil
}

// text counts a text, and cuts it when it is too long.
func (p *parser) text(text string, most int) string {
	text = cutText(text, most)
	p.bytes += len(text)
	return text
}

// short is the text of a title, a label and the like.
func (p *parser) short(text string) string { return p.text(text, maxText) }
