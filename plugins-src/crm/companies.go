package main

import (
	"strings"

	"github.com/carrel-dev/carrel/sdk"
)

// Company is an organisation contacts work for.
type Company struct {
	Name   string `json:"name" carrel:"required,index,max=200,doc=Name"`
	Domain string `json:"domain" carrel:"unique,max=253,doc=Domain of its web site and addresses, in lower case; no two companies share one"`
}

var companies = sdk.Table[Company]("companies", "Organisations that contacts work for")

func createCompany(c *sdk.Ctx, in Company) (sdk.RawDoc[Company], error) {
	in.Domain = normalizeDomain(in.Domain)
	return companies.Create(c, in)
}

func changeCompany(c *sdk.Ctx, changes sdk.Partial[Company]) (doc sdk.RawDoc[Company], err error) {
	if changes.Has("domain") {
		values, err := changes.Values()
		if err != nil {
			return doc, err
		}
		var domain any // none: the field is removed
		if normal := normalizeDomain(values.Domain); normal != "" {
			domain = normal
		}
		if err := changes.Set("domain", domain); err != nil {
			return doc, err
		}
	}
	return companies.Change(c, changes)
}

// normalizeDomain takes "https://www.Example.com/about" for "example.com".
func normalizeDomain(domain string) string {
	domain = strings.ToLower(strings.TrimSpace(domain))
	if _, rest, ok := strings.Cut(domain, "://"); ok {
		domain = rest
	}
	domain, _, _ = strings.Cut(domain, "/")
	return strings.TrimPrefix(domain, "www.")
}
