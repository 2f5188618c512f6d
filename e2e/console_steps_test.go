package e2e

import (
	"fmt"
	"os"
	"path/filepath"
)

// signIn enters by the door.
func (b *browser) signIn(p *person) {
	b.Helper()
	b.open("/console/sign-in")
	b.fill("email", p.email)
	b.fill("password", password)
	b.press("Sign in")
	b.sees("Your workspaces")
}

// newWorkspace makes a workspace, on the plan that is offered first.
func (b *browser) newWorkspace(name string) {
	b.Helper()
	b.sees("Your workspaces")
	b.fill("name", name)
	b.press("Create workspace")
	b.sees("No plugin is installed yet.")
}

// install goes from the marketplace to a plugin's page and its consent page,
// fills in settings, and allows what the plugin asks for.
func (b *browser) install(title string, settings body) {
	b.Helper()
	b.press("Marketplace")
	b.sees("Plugins this server offers.")
	b.press(title)
	b.sees("Installation")
	b.picture(title)
	b.press("Install…")
	b.sees("Install " + title)
	b.sees("It keeps data of its own in this workspace.")
	b.fillSettings("setting", settings)
	b.picture(title + "-consent")
	b.press("Allow and install")
	b.sees("Installed.")
}

// fillSettings types settings into the form that the console makes of their
// schema.
func (b *browser) fillSettings(prefix string, settings body) {
	b.Helper()
	for name, value := range settings {
		if group, ok := value.(body); ok {
			b.fillSettings(prefix+"."+name, group)
		} else {
			b.fill(prefix+"."+name, fmt.Sprint(value))
		}
	}
}

// upload sends a file of contacts on CRM's page for it, and returns when its
// import has begun.
func (b *browser) upload(csv []byte) {
	b.Helper()
	b.press("Imports")
	file := filepath.Join(b.TempDir(), "contacts.csv")
	if err := os.WriteFile(file, csv, 0o600); err != nil {
		b.Fatal(err)
	}
	b.sees("A CSV file in UTF-8") // the page is there, and not the one before
	b.choose(file)
	b.press("Upload")
	b.sees("Last import")
}

// leaf turns the pages of a list until the last, and counts its rows.
func (b *browser) leaf() (rows, pages int) {
	b.Helper()
	for rows, pages = b.count("tbody tr"), 1; b.count("a[rel=next]") == 1; pages++ {
		before := b.address()
		b.press("Next page")
		b.until("the page stays", fmt.Sprintf("location.href !== %q && document.readyState === 'complete'", before))
		rows += b.count("tbody tr")
	}
	return rows, pages
}
