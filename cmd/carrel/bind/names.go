package bind

import (
	"go/token"
	"strconv"
	"strings"
	"unicode"
)

// initialisms are written in capitals, as Go does.
var initialisms = map[string]string{
	"api": "API", "csv": "CSV", "html": "HTML", "http": "HTTP", "https": "HTTPS", "id": "ID", "ids": "IDs", "ip": "IP", "json": "JSON",
	"pdf": "PDF", "sku": "SKU", "sla": "SLA", "sms": "SMS", "smtp": "SMTP", "url": "URL", "urls": "URLs", "uuid": "UUID",
}

// exported is a name in another case as an exported identifier: dealId, deal_id
// and deal-id are DealID. Of what can be no identifier it leaves X.
func exported(name string) string {
	var b strings.Builder
	for _, word := range words(name) {
		lower := strings.ToLower(word)
		if known, ok := initialisms[lower]; ok {
			b.WriteString(known)
			continue
		}
		b.WriteString(strings.ToUpper(lower[:1]) + word[1:])
	}
	if s := b.String(); s != "" && s[0] >= 'A' {
		return s
	}
	return "X" + b.String()
}

// words cuts a name where its case changes, and at what is neither letter nor
// digit of ASCII.
func words(name string) (list []string) {
	var word []byte
	end := func() {
		if len(word) > 0 {
			list, word = append(list, string(word)), nil
		}
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c >= 'A' && c <= 'Z':
			if i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
				end()
			}
		default:
			end()
			continue
		}
		word = append(word, c)
	}
	end()
	return list
}

// names hands out identifiers of one scope, each once.
type names map[string]bool

// take returns the name, or the first of name2, name3 … that is free.
func (n names) take(name string) string {
	free := name
	for i := 2; n[free]; i++ {
		free = name + strconv.Itoa(i)
	}
	n[free] = true
	return free
}

// PackageName is the name of the package of a plugin's events.
func PackageName(plugin string) string {
	name := strings.ReplaceAll(plugin, "-", "")
	if token.IsKeyword(name) || name == "main" || name == "sdk" || name == "time" || name == "json" {
		return name + "events"
	}
	return name
}

// comment writes text as lines of a comment, whatever is in it.
func comment(indent, text string) string {
	text = strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(indent+"// "+strings.TrimRight(line, "\n"), " ") + "\n")
	}
	return b.String()
}
