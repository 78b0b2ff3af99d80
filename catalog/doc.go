// Package catalog holds what may be asked: sources, events, metrics, experiments, alerts and receivers as people write
// them in YAML, and the plans compiled from them. It owns the format of definition files, every finding about them with
// its place, code and hint, what a definition means and the hash of that, and the JSON Schema for editors. catalog/sql
// is the language of events. It imports the standard library and the YAML library and nothing else of the engine.
// Invariants: (1) a Set that exists is valid: every reference resolves, every column is there, every value is in range;
// (2) reading never stops at the first error, and every error has its file, line and column; (3) a hash depends on
// meaning alone: comments, key order, owners and spelling keep it; (4) equal sets give equal plans. A Set, once
// UseFiles has been called or not, and a Plan are immutable and may be read from any goroutine.
//
// The life of a definition: load.go finds files, yaml.go turns them into nodes and refuses what YAML has too much of,
// reader.go takes mappings apart by the shapes of shape.go, source.go to alert.go resolve each kind (in the order of
// kinds, so that references point backwards), keying.go looks across them, compile.go makes plans, canonical.go and
// meaning.go say what it all means.
package catalog
