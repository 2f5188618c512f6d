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
	person := func() body { return body{"email": unique() + "@" + canary + ".com", "name": canary} }
	contact := body{"name": canary} // of no address, so there may be many
	note := func(s *twins) body { return body{"contactId": s.contact, "body": canary} }
	task := body{"title": canary}
	deal := body{"title": canary, "amount": 100, "currency": "EUR"}
	return map[string]func(s *twins) (string, any){
		"crm DELETE /pipelines/:id": func(s *twins) (string, any) {
			return "/pipelines/" + made(s, "/pipelines", body{"name": canary, "stages": stages}), nil
		},
		"crm GET /contacts/export":       at("/contacts/export", nil),
		"crm GET /reports/pipeline":      at("/reports/pipeline", nil),
		"crm GET /contacts/:id/timeline": of("/contacts", contact, "/timeline", nil),
		"crm POST /contacts/:id/merge": func(s *twins) (string, any) {
			return "/contacts/" + made(s, "/contacts", person()) + "/merge", body{"loserId": made(s, "/contacts", person())}
		},
		"crm GET /contacts/:id/tags":  of("/contacts", contact, "/tags", nil),
		"crm POST /contacts/:id/tags": of("/contacts", contact, "/tags", body{"tag": canary}),
		"crm DELETE /contacts/:id/tags/:tag": func(s *twins) (string, any) {
			path := "/contacts/" + made(s, "/contacts", person()) + "/tags"
			s.ofAlice().Call("crm", "POST "+path, body{"tag": canary}).want(201)
			return path + "/" + canary, nil
		},
		"crm GET /tags": at("/tags", nil),
		"crm DELETE /tags/:id": func(s *twins) (string, any) {
			return "/tags/" + made(s, "/contacts/"+made(s, "/contacts", person())+"/tags", body{"tag": canary}), nil
		},
		"crm GET /activities":     at("/activities", nil),
		"crm POST /activities":    func(s *twins) (string, any) { return "/activities", note(s) },
		"crm GET /activities/:id": func(s *twins) (string, any) { return "/activities/" + made(s, "/activities", note(s)), nil },
		"crm PATCH /activities/:id": func(s *twins) (string, any) {
			return "/activities/" + made(s, "/activities", note(s)), body{"body": canary}
		},
		"crm DELETE /activities/:id": func(s *twins) (string, any) { return "/activities/" + made(s, "/activities", note(s)), nil },
		"crm GET /tasks":             at("/tasks", nil),
		"crm POST /tasks":            at("/tasks", task),
		"crm GET /tasks/:id":         of("/tasks", task, "", nil),
		"crm PATCH /tasks/:id":       of("/tasks", task, "", body{"status": "done"}),
		"crm DELETE /tasks/:id":      of("/tasks", task, "", nil),
		"crm GET /deals":             at("/deals", nil),
		"crm POST /deals":            at("/deals", deal),
		"crm GET /deals/:id":         of("/deals", deal, "", nil),
		"crm PATCH /deals/:id":       of("/deals", deal, "", body{"title": canary + "2"}),
		"crm DELETE /deals/:id":      of("/deals", deal, "", nil),
		"crm POST /deals/:id/move":   of("/deals", deal, "/move", body{"to": "contacted"}),
		"crm POST /deals/:id/win":    of("/deals", deal, "/win", nil),
		"crm POST /deals/:id/lose":   of("/deals", deal, "/lose", body{"reason": canary}),
	}
}
