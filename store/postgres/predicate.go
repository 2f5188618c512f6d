package postgres

// inWorkspace is the condition every statement on a workspace's rows carries; the
// workspace is its first argument. Row level security holds without it: the
// condition is what finds the rows in an index.
const inWorkspace = "workspace = $1"

// with joins each row of what stands before it with those of a table that meet a
// condition. OFFSET has them looked up for each: a join Postgres may plan to go through
// the whole table for each, while it knows of few rows there.
func with(name, columns, table, where string) string {
	return " JOIN LATERAL (SELECT " + columns + " FROM " + table + " WHERE " + where + " OFFSET 0) " + name + " ON true "
}
