package sqlite

// inWorkspace is the condition every statement on a workspace's data carries.
// It is one constant so that a test can build the server without it and see the
// isolation suite fail.
const inWorkspace = "workspace = ?"
