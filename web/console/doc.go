// Package console is the web application people see at /console: set-up,
// sign-in, workspaces, the marketplace, consent, and the pages of installed
// plugins, which it renders itself from the trees their handlers answer. No
// plugin HTML or script ever reaches a page.
//
// Pages are templ components over small view structs; htmx swaps parts of them;
// everything works with scripts switched off, but for the set-up link. The
// package calls the services of core/* and the registry, and must never import
// a store, the engine or a driver.
//
// Start with console.go (the routes), then layout.templ. Plugins' pages are in
// pluginpage.go, which asks for them and takes what they send, tree.go and its
// neighbours, which check them, and tree.templ, which is all they can look like.
package console
