// Package duckdb holds event SQL to DuckDB, whose reading is normative: seeded random expressions over seeded random
// records, each evaluated by both. It is a module of its own because DuckDB needs cgo, which the product does not.
package duckdb
