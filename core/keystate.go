package core

// KeyState is how far a key has come to seal the secrets of a database.
type KeyState int

// A key begins as one that may have sealed some.
const (
	KeySealing  KeyState = iota
	KeyScrubbed          // what it could seal is nowhere in the database in another form
	KeyComplete          // and there is nothing that it could not
)
