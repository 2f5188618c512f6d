// Package rules holds the house to its own plan. It has no part in the
// program: its tests read the repository's source and fail when a package
// imports what its row of the table does not allow, has no row, has no doc.go,
// grows a file past 500 lines, or takes a name that says nothing, and when
// docs/threat-model.md and the attack tests disagree.
//
// It must never import another package of this module: it reads them as text,
// so that it can speak about a package that does not compile.
//
// Start with table.go, which is the part worth arguing about. A new package
// begins with a row there.
package rules
