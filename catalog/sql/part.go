package sql

import "sort"

// CanonicalColumn is the canonical text of one column's expression: equal texts mean the same.
func (q *Query) CanonicalColumn(i int) string { return q.exprs[i].canonical() }

// CanonicalWhere is the canonical text of the WHERE condition, empty if there is none.
func (q *Query) CanonicalWhere() string {
	if q.where == nil {
		return ""
	}
	return q.where.canonical()
}

// CanonicalAccepts are the canonical texts, sorted, of the columns that may refuse a record and are not among the given
// ones: a refused event counts nowhere, so they are part of what every reader of the event reads.
func (q *Query) CanonicalAccepts(except ...int) []string {
	known := make(map[int]bool, len(except))
	for _, i := range except {
		known[i] = true
	}
	var out []string
	for i, e := range q.exprs {
		if e.fallible && !known[i] {
			out = append(out, e.canonical())
		}
	}
	sort.Strings(out)
	return out
}

// Field returns the record's field that a column takes unchanged, if its expression is just that.
func (q *Query) Field(i int) (Path, bool) {
	e := q.exprs[i]
	return e.path, e.op == opField
}
