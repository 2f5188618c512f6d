package e2e

// version is the release of a plugin that acme has.
func (s *twins) version(plugin string) string {
	return s.ofAlice().API("GET", "/installations/"+plugin, nil).want(200).text("version")
}

// crmCases has, for the routes of the CRM that are about deals and what happens
// with contacts, the path and the body its owner sends.
func crmCases() map[string]func(s *twins) (path string, in any) {
	at := func(path string, in any) func(*twins) (string, any) {
		return func(*twins) (string, any) { return path, in }
	}
	made := func(s *twins, path string, in any) string {
		return s.ofAlice().Call("crm", "POST "+path, in).want(201).text("id")
	}
	// of is a case about a thing that was just made.
	of := func(list string, thing any, path string, in any) func(*twins) (string, any) {
		return func(s *twins) (string, any) { return list + "/" + made(s, list, thing) + path, in }
	}
	deal := body{"title": canary, "amount": 100, "currency": "EUR"}
	return map[string]func(s *twins) (string, any){
		"crm DELETE /pipelines/:id": func(s *twins) (string, any) {
			return "/pipelines/" + made(s, "/pipelines", body{"name": canary, "stages": stages}), nil
		},
		"crm GET /deals":           at("/deals", nil),
		"crm POST /deals":          at("/deals", deal),
		"crm GET /deals/:id":       of("/deals", deal, "", nil),
		"crm PATCH /deals/:id":     of("/deals", deal, "", body{"title": canary + "2"}),
		"crm DELETE /deals/:id":    of("/deals", deal, "", nil),
		"crm POST /deals/:id/move": of("/deals", deal, "/move", body{"to": "contacted"}),
		"crm POST /deals/:id/win":  of("/deals", deal, "/win", nil),
		"crm POST /deals/:id/lose": of("/deals", deal, "/lose", body{"reason": canary}),
	}
}
