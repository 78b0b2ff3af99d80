package sql

// Query is a parsed and type-checked SELECT; immutable, shared by all shards.
type Query struct {
	Text    string
	From    string
	Columns []Column
	Paths   []Path // fields it reads, each once
}

// Predicate is a boolean expression over an event's columns.
type Predicate struct {
	Text    string
	Columns []int // columns it reads
}
