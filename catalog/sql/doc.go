// Package sql is event SQL: one stateless SELECT over one source, or a predicate over an event's columns. It owns the
// parser with its positions, the typed tree whose canonical text is hashed, the closures that a query compiles to, the
// exact reading of numbers and times, and the closed list of reasons for which a record is rejected. The dialect is a
// subset of DuckDB's, whose reading is normative; bench/duckdb holds the two together. It imports the standard library.
// Invariants: (1) a Query that exists is type-checked; (2) text that differs only in spaces, comments and the case of
// keywords has the same Canonical; (3) a value is a function of the record alone; (4) Eval allocates nothing in steady
// state. Query and Predicate are immutable; an Evaluator belongs to one goroutine.
package sql
