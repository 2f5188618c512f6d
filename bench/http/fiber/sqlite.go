package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqlitePeople keeps people in one file, as durably as Carrel: a commit is on
// disk before it is answered. There is one connection that writes, as SQLite
// takes one writer at a time.
type sqlitePeople struct {
	insertInto, firstOf map[string]*sql.Stmt // by table
}

func openSQLite(file string) (*sqlitePeople, error) {
	const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(8000)"
	write, err := sql.Open("sqlite", file+pragmas)
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", file+pragmas+"&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	read.SetMaxIdleConns(16)
	p := &sqlitePeople{map[string]*sql.Stmt{}, map[string]*sql.Stmt{}}
	for _, table := range tables {
		if _, err := write.Exec(fmt.Sprintf(schema, table)); err != nil {
			return nil, err
		}
		if p.insertInto[table], err = write.Prepare("INSERT INTO " + table +
			" (id, email, name, phone, lifecycle, source, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"); err != nil {
			return nil, err
		}
		if p.firstOf[table], err = read.Prepare("SELECT id, email, name, phone, lifecycle, source, created, updated FROM " +
			table + " ORDER BY id LIMIT ?"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (s *sqlitePeople) insert(ctx context.Context, table string, p person) error {
	_, err := s.insertInto[table].ExecContext(ctx, p.ID, p.Email, p.Name, p.Phone, p.Lifecycle, p.Source,
		p.Created.UnixMicro(), p.Updated.UnixMicro())
	return err
}

func (s *sqlitePeople) first(ctx context.Context, table string, limit int) ([]person, error) {
	rows, err := s.firstOf[table].QueryContext(ctx, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := make([]person, 0, limit)
	for rows.Next() {
		var p person
		var created, updated int64
		if err := rows.Scan(&p.ID, &p.Email, &p.Name, &p.Phone, &p.Lifecycle, &p.Source, &created, &updated); err != nil {
			return nil, err
		}
		p.Created, p.Updated = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
		list = append(list, p)
	}
	return list, rows.Err()
}
