// Package workspace knows who may do what where: workspaces, their members and
// roles, and what is installed in them with which grants and settings.
//
// It imports core and core/abi. Plans, releases, schema checks, the running of
// hooks, what seals secrets and the database are interfaces it declares. Start
// with service.go, then member.go, installation.go (the reads), install.go and
// vault.go (secret settings).
package workspace
