package store

import (
	"context"
	"sync"

	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/store/schema"
)

// table is a compiled table with the numbers a Backend knows it by.
type table struct {
	*schema.Table
	number   Number
	indexes  []*index
	incoming []reference
}

type index struct {
	*schema.Index
	number   Number
	position int // in its table's indexes
}

// reference is a field that refers to a table, and the index that finds who
// refers to one of its documents.
type reference struct {
	from     *table
	field    *schema.Field
	index    *index
	onDelete string
}

// maxCompiled is how many releases stay compiled.
const maxCompiled = 1024

// compiled keeps the tables of releases compiled. It knows a release by the
// address of its declaration, which stays its own as long as it is kept here.
type compiled struct {
	mu     sync.Mutex
	tables map[release]map[string]*table
}

type release struct {
	plugin   string
	declared *abi.Table
	count    int
}

// tables returns the compiled tables of a scope. Two calls may both compile;
// the outcome is the same.
func (s *Store) tables(ctx context.Context, scope *Scope) (map[string]*table, error) {
	if len(scope.Tables) == 0 {
		return nil, nil
	}
	key := release{scope.Plugin.String(), &scope.Tables[0], len(scope.Tables)}
	s.compiled.mu.Lock()
	tables := s.compiled.tables[key]
	s.compiled.mu.Unlock()
	if tables != nil {
		return tables, nil
	}
	tables, err := s.compile(ctx, key.plugin, scope.Tables)
	if err != nil {
		return nil, err
	}
	s.compiled.mu.Lock()
	defer s.compiled.mu.Unlock()
	if s.compiled.tables == nil || len(s.compiled.tables) >= maxCompiled {
		s.compiled.tables = make(map[release]map[string]*table)
	}
	s.compiled.tables[key] = tables
	return tables, nil
}

func (s *Store) compile(ctx context.Context, plugin string, declared []abi.Table) (map[string]*table, error) {
	schemas, err := schema.Compile(declared)
	if err != nil {
		return nil, err
	}
	// The names are collected in declared order, so that numbers are given out
	// in the same order everywhere.
	var names []string
	for _, d := range declared {
		names = append(names, plugin+"."+d.Name)
		for _, ix := range schemas[d.Name].Indexes {
			names = append(names, plugin+"."+ix.String())
		}
	}
	numbers, err := s.backend.Numbers(ctx, names)
	if err != nil {
		return nil, err
	}
	next := func() Number {
		n := numbers[0]
		numbers = numbers[1:]
		return n
	}
	tables := make(map[string]*table, len(declared))
	byIndex := make(map[*schema.Index]*index)
	for _, d := range declared {
		t := &table{Table: schemas[d.Name], number: next()}
		for i, ix := range t.Indexes {
			t.indexes = append(t.indexes, &index{Index: ix, number: next(), position: i})
			byIndex[ix] = t.indexes[i]
		}
		tables[d.Name] = t
	}
	for _, t := range tables {
		for _, r := range t.Incoming {
			t.incoming = append(t.incoming, reference{tables[r.Table.Name], r.Field, byIndex[r.Index], r.OnDelete})
		}
	}
	return tables, nil
}
