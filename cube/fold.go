package cube

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// The bound on values (DESIGN §7). It is decided on merged cells by what they are, never by who came first: a subject
// dimension with more than Limits.Values values is published with the first of them by (n descending, value ascending),
// n the exposed subjects of all variants, and the sum of the rest as Other. The rest are subjects of their own, so
// conservation holds.

// distinct returns how many values a rollup over one dimension has.
func (r *rollup) distinct() int { return len(r.out.Rows) }

// top returns the first n values of a rollup over one dimension.
func (r *rollup) top(n int) map[string]struct{} {
	if r.topsOf == r.out {
		return r.tops
	}
	type ranked struct {
		value string
		n     int64
	}
	all := make([]ranked, len(r.out.Rows))
	for i, row := range r.out.Rows {
		all[i].value = row.Values[0]
		for _, c := range row.Arms {
			all[i].n += c.Exposed()
		}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.n, a.n), strings.Compare(a.value, b.value))
	})
	tops := make(map[string]struct{}, n)
	for _, v := range all[:min(n, len(all))] {
		tops[v.value] = struct{}{}
	}
	if maps.Equal(tops, r.tops) {
		tops = r.tops
	}
	r.tops, r.topsOf = tops, r.out
	return tops
}

// fold is the last folding of one grouping.
type fold struct {
	from  *Rollup
	tops  []map[string]struct{}
	out   *Rollup
	cells map[string]*Cell // that are sums of several, by joinKey
}

// of returns the rollup in which the values outside tops are Other; a nil entry leaves its dimension as it is.
func (f *fold) of(full *Rollup, tops []map[string]struct{}) *Rollup {
	if f.from == full && slices.EqualFunc(f.tops, tops, maps.Equal) {
		return f.out
	}
	cells := map[string]*Cell{}
	var kept []*Cell
	for _, row := range full.Rows {
		values := foldValues(row.Values, tops)
		for v, c := range row.Arms {
			switch {
			case c == nil:
			case values == nil:
				kept = append(kept, c)
			default:
				text := joinKey(values, v)
				sum := cells[text]
				if sum == nil {
					sum = &Cell{Key: &Key{Variant: v, Mask: full.Mask, Values: values}, sums: slices.Clone(c.sums), bins: c.bins.clone()}
					cells[text] = sum
				} else {
					sum.merge(c)
				}
			}
		}
	}
	for text, c := range cells {
		// The same sums keep their pointer, so that nobody evaluates them again.
		if old := f.cells[text]; old != nil && old.equal(c) {
			cells[text] = old
		}
	}
	for _, c := range cells {
		kept = append(kept, c)
	}
	slices.SortFunc(kept, func(a, b *Cell) int { return a.Key.compare(b.Key) })
	*f = fold{from: full, tops: tops, cells: cells, out: &Rollup{Mask: full.Mask, Rows: rowsOf(kept, variantsOf(full))}}
	return f.out
}

// foldValues returns values with those outside tops as Other, or nil if there are none.
func foldValues(values []string, tops []map[string]struct{}) []string {
	var folded []string
	for i, v := range values {
		if tops[i] == nil {
			continue
		}
		if _, ok := tops[i][v]; ok && v != Other {
			continue
		}
		if folded == nil {
			folded = slices.Clone(values)
		}
		folded[i] = Other
	}
	return folded
}

func variantsOf(r *Rollup) int {
	if len(r.Rows) == 0 {
		return 0
	}
	return len(r.Rows[0].Arms)
}
