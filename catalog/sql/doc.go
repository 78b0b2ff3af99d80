// Package sql is event SQL: its parser, its types and the closures it compiles to.
package sql
