// Package console is the web application people see at /console: set-up,
// sign-in, workspaces, their members and plan, the marketplace, consent, what is
// installed and what it keeps, what happened, and the pages of installed plugins,
// which it renders itself from the trees their handlers answer. No plugin HTML or
// script ever reaches a page.
//
// Pages are templ components over small view structs, a file a noun, its handlers
// beside it; htmx swaps parts of them, and live.go tells open ones that something
// happened. Everything works with scripts switched off, but for the set-up link.
// The package calls the services of core/* and the registry, and must never
// import a store, the engine or a driver. A new page needs a walk in e2e, which
// looks at each in a browser.
//
// Start with console.go (the routes), then layout.templ and parts.templ.
// Plugins' pages are in pluginpage.go, which asks for them and takes what they
// send, tree.go and its neighbours, which check them, and tree.templ, which is all
// they can look like.
package console
