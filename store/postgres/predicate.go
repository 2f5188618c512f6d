package postgres

// inWorkspace is the condition every statement on a workspace's rows carries; the
// workspace is its first argument. Row level security holds without it: the
// condition is what finds the rows in an index.
const inWorkspace = "workspace = $1"
