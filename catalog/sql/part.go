package sql

// CanonicalColumn is the canonical text of one column's expression: equal texts mean the same.
func (q *Query) CanonicalColumn(i int) string { return q.Canonical() }

// CanonicalWhere is the canonical text of the WHERE condition, empty if there is none.
func (q *Query) CanonicalWhere() string { return "" }

// Field returns the record's field that a column takes unchanged, if its expression is just that.
func (q *Query) Field(i int) (Path, bool) { return nil, false }
