package core

import (
	"regexp"
	"time"
)

// Workspace is the tenant: what data, events and bills belong to.
type Workspace struct {
	ID       WorkspaceID
	Slug     string // unique, in URLs
	Name     string
	TimeZone string // IANA name
	Locale   string // BCP 47
	Home     string // the cell that holds its data
	Plan     string // the plan of the current contract
	Created  time.Time
}

var slugPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,38}$`)

// reservedSlugs would read as something else in a URL.
var reservedSlugs = map[string]bool{"api": true, "console": true, "admin": true, "new": true, "current": true, "carrel": true, "p": true, "w": true}

// ValidSlug reports whether s can be a workspace's slug, or an installation's alias.
func ValidSlug(s string) bool { return slugPattern.MatchString(s) && !reservedSlugs[s] }

// Role is what a member is in a workspace.
type Role string

const (
	RoleOwner  Role = "owner"  // everything, and closing the workspace
	RoleAdmin  Role = "admin"  // everything else: members, installations, settings, every scope
	RoleMember Role = "member" // the scopes plugins give members
)

// ValidRole reports whether r is a role.
func ValidRole(r Role) bool { return r == RoleOwner || r == RoleAdmin || r == RoleMember }

// Manages reports whether the role may change members, installations and settings.
func (r Role) Manages() bool { return r == RoleOwner || r == RoleAdmin }

// Member is a person of a workspace.
type Member struct {
	Workspace WorkspaceID
	Account   AccountID
	Email     string // of the account, for lists
	Name      string
	Role      Role
	Created   time.Time
}

// ActorType is the kind of an actor.
type ActorType string

const (
	ActorMember       ActorType = "member"
	ActorToken        ActorType = "token"
	ActorInstallation ActorType = "installation"
	ActorAnonymous    ActorType = "anonymous"
)

// Actor is on whose behalf something happens in one workspace.
type Actor struct {
	Type    ActorType
	Account AccountID      // member and token
	Install InstallationID // installation
	Role    Role           // member and token
	Scopes  []string       // of a token that narrows them; nil means all the role has
}
