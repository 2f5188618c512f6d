package main

import (
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadHeader(t *testing.T) {
	for _, one := range []struct{ header, columns, ignored, problem string }{
		{"email,name", "email name", "", ""},
		{"E-Mail Address, Full_Name ,Lifecycle Stage", "email name lifecycle", "", ""},
		{"First Name,Surname,email,Shoe size", "firstName lastName email ", "Shoe size", ""},
		{"name,phone", "", "", "one of them email; it names name, phone"},
		{"email,mail", "", "", `"email" and "mail" both hold the email`},
		{"email,\"name", "", "", "the header cannot be read"},
	} {
		columns, ignored, problem := readHeader(commas, commas.next(one.header))
		if strings.Join(columns, " ") != one.columns || strings.Join(ignored, " ") != one.ignored {
			t.Errorf("%s: columns %q, ignored %q", one.header, columns, ignored)
		}
		if (problem == "") != (one.problem == "") || !strings.Contains(problem, one.problem) {
			t.Errorf("%s: problem %q, want %q", one.header, problem, one.problem)
		}
	}
}

func TestReadRow(t *testing.T) {
	columns := []string{columnEmail, columnName, columnCompany, columnDomain, columnLifecycle}
	for _, one := range []struct {
		text    string
		want    row
		refused string
	}{
		{" Ada@Example.COM ,Ada,Acme,https://www.acme.example/about,Customer", row{Email: "ada@example.com", Name: "Ada", Company: "Acme", Domain: "acme.example", Lifecycle: "customer"}, ""},
		{"ada@example.com,Ada,,acme.example,", row{Email: "ada@example.com", Name: "Ada", Company: "acme.example", Domain: "acme.example"}, ""},
		{"ada@example.com,Ada", row{}, "2 columns and the header has 5"},
		{"ada@example.com,Ada,,,,", row{}, "6 columns and the header has 5"},
		{",Ada,,,", row{}, "the email is missing"},
		{"ada at example.com,Ada,,,", row{}, "not a valid address"},
		{"ada@example.com,Ada,,,vip", row{}, `the lifecycle "vip" is none of lead`},
		{"ada@example.com," + strings.Repeat("é", 201) + ",,,", row{}, "the name has 201 characters; at most 200"},
		{"ada@example.com,\"Ada,,,", row{}, strayQuote},
	} {
		got, err := readRow(commas, commas.next(one.text), columns)
		if one.refused != "" {
			if err == nil || !strings.Contains(err.Error(), one.refused) {
				t.Errorf("%s: refused with %v, want %q", one.text, err, one.refused)
			}
			continue
		}
		if err != nil || got != one.want {
			t.Errorf("%s: %+v, %v", one.text, got, err)
		}
	}
}

func TestReadRowJoinsNames(t *testing.T) {
	got, err := readRow(commas, commas.next("Ada,Lovelace,ada@example.com"), []string{columnFirstName, columnLastName, columnEmail})
	if err != nil || got.Name != "Ada Lovelace" {
		t.Errorf("name %q, %v", got.Name, err)
	}
}

func TestIsEmail(t *testing.T) {
	for _, address := range []string{"a@b.example", "first.last+tag@sub.example.com", "o'neil@example.com", "jörg@müller.example"} {
		if !isEmail(address) {
			t.Errorf("%s is refused", address)
		}
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
			t.Errorf("%s is taken, but not by the host: %v", address, err)
		}
	}
	for _, address := range []string{"", "a", "@b.example", "a@", "a@b", "a@@b.example", "a b@c.example", ".a@b.example", "a..b@c.example", "a@-b.example", "a@b..example", "a@b.example,c@d.example", "<a@b.example>", "a@b_c.example", strings.Repeat("a", 65) + "@b.example"} {
		if isEmail(address) {
			t.Errorf("%s is taken", address)
		}
	}
}

// What is taken here the host takes, too: a row is refused before it has written
// anything.
func FuzzIsEmail(f *testing.F) {
	f.Add("ada@example.com")
	f.Add("o'neil+x@müller.example")
	f.Add("a\u00a0b@c.example")
	f.Fuzz(func(t *testing.T, address string) {
		if !utf8.ValidString(address) || !isEmail(address) {
			return // checkText refuses a file that isn't UTF-8
		}
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
			t.Errorf("%q is taken, but not by the host: %v", address, err)
		}
	})
}
