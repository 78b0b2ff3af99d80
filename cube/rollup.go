package cube

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// Rollup is all cells of one grouping. It is immutable.
type Rollup struct {
	Mask uint
	// Rows are sorted by value, dimension by dimension.
	Rows []Row
	// Unreliable says that a dimension of the grouping has more values, or the experiment more cells, than can be kept
	// (reason "cardinality"). Rows is then the one row in which every dimension is Other: with the sums of all
	// subjects if the grouping has subject dimensions only, else without cells.
	Unreliable bool
}

// Row is one slice of a grouping: the cells of its variants.
type Row struct {
	Values []string // of the dimensions in the mask, in their order
	Arms   []*Cell  // by variant; nil for one without subjects here
}

// Rollup returns the cells of the grouping that fixes the dimensions in mask: the sums over all values of the subject
// dimensions that are not fixed, of those base cells whose event dimensions are just the fixed ones. It equals
// computing the coarse cell directly. What did not change since the last call for the same lineage (the shard's, or
// the Merged's) is the same *Cell again, and the cost is that of the base cells that changed.
func (c *Cells) Rollup(mask uint) *Rollup {
	c.lineage.mu.Lock()
	defer c.lineage.mu.Unlock()
	return c.lineage.rollup(c, mask)
}

// Exceeds says that a grouping certainly has more than so many rows, without making them; false where only Rollup can tell.
func (c *Cells) Exceeds(mask uint, rows int) bool {
	l := c.lineage
	// In the finest grouping every base cell is one of a row's arms. What is folded keeps more rows than are folded away from.
	return mask == l.subject && l.event == 0 && !c.uncrossed && c.collapsed == 0 && l.limits.Values >= rows && c.live > rows*len(l.x.Variants)
}

// lineage remembers the rollups of a succession of Cells. Since sums can be taken out exactly, the rollup of any of
// them follows from that of any other: by what differs between the two.
type lineage struct {
	x              *catalog.PlanExperiment
	limits         Limits
	subject, event uint

	mu      sync.Mutex
	rollups map[uint]*rollup
	folds   map[uint]*fold
	// latest is the picture that was asked for last, and pictures how many different ones have been in a row: the age
	// by which rollups that nobody asks for any more are forgotten.
	latest   *Cells
	pictures uint64
}

// forgetAfter is for how many pictures a rollup that nobody asks for is kept: it holds the cells of the last it was for.
const forgetAfter = 64

func newLineage(x *catalog.PlanExperiment, limits Limits) *lineage {
	l := &lineage{x: x, limits: limits, rollups: map[uint]*rollup{}, folds: map[uint]*fold{}}
	l.subject, l.event = dimensionMasks(x)
	return l
}

// source is the mask of the base cells that are summed up for a grouping; false if no cells are kept for it.
func (l *lineage) source(c *Cells, mask uint) (uint, bool) {
	if c.uncrossed {
		return mask, bits.OnesCount(mask) <= 1
	}
	return l.subject | mask, mask&l.event&c.collapsed == 0
}

// look counts the pictures, and forgets what has not been asked for in many of them.
func (l *lineage) look(c *Cells) {
	if l.latest == c {
		return
	}
	l.latest = c
	if l.pictures++; l.pictures%forgetAfter != 0 {
		return
	}
	for mask, r := range l.rollups {
		if l.pictures-r.asked > forgetAfter {
			delete(l.rollups, mask)
			delete(l.folds, mask)
		}
	}
}

// rollup is called with l.mu held.
func (l *lineage) rollup(c *Cells, mask uint) *Rollup {
	l.look(c)
	f := l.folds[mask]
	if f == nil {
		f = &fold{}
		l.folds[mask] = f
	}
	over := mask & c.collapsed
	for m := mask; m != 0; m &= m - 1 {
		d := bits.TrailingZeros(m)
		if over&(1<<d) == 0 && l.full(c, 1<<d).distinct() > kept(&l.x.Dimensions[d], l.limits) {
			over |= 1 << d
		}
	}
	crossed := bits.OnesCount(mask) > 1
	if over != 0 || crossed && (c.uncrossed || c.live > l.limits.Cells) {
		return l.unreliable(c, mask)
	}
	full := l.full(c, mask)
	tops := make([]map[string]struct{}, 0, bits.OnesCount(mask))
	folded := false
	for m := mask; m != 0; m &= m - 1 {
		d := bits.TrailingZeros(m)
		var top map[string]struct{}
		if one := l.full(c, 1<<d); l.subject&(1<<d) != 0 && one.distinct() > l.limits.Values {
			top = one.top(l.limits.Values)
			folded = true
		}
		tops = append(tops, top)
	}
	if !folded {
		return full.out
	}
	return f.of(full.out, tops)
}

// unreliable is the row that stands for a grouping with too many values. It sums up the subjects if they are all there.
func (l *lineage) unreliable(c *Cells, mask uint) *Rollup {
	row := Row{Arms: make([]*Cell, len(l.x.Variants))}
	for range bits.OnesCount(mask) {
		row.Values = append(row.Values, Other)
	}
	if mask&l.event == 0 {
		if whole := l.full(c, 0).out; len(whole.Rows) > 0 {
			row.Arms = whole.Rows[0].Arms
		}
	}
	return &Rollup{Mask: mask, Rows: []Row{row}, Unreliable: true}
}

// full returns the rollup of c with all values, brought up to c.
func (l *lineage) full(c *Cells, mask uint) *rollup {
	r := l.rollups[mask]
	if r == nil {
		r = &rollup{mask: mask, variants: len(l.x.Variants), at: map[string]int32{}}
		l.rollups[mask] = r
	}
	source, ok := l.source(c, mask)
	if !ok {
		source = ^uint(0) // no cell has it
	}
	r.asked = l.pictures
	if r.of != c {
		r.update(c.cells, source)
		r.of = c
	}
	return r
}

// rollup is the cells of one grouping with all values, and the base cells that they are the sums of.
type rollup struct {
	mask     uint
	variants int
	asked    uint64  // lineage.pictures when it was asked for last
	of       *Cells  // the last update
	base     []*Cell // of it
	source   uint
	up       []int32 // by index of base: the slot to which it is added

	at    map[string]int32
	cells []*Cell // by slot; nil in a free one
	epoch []uint64
	count []int32 // base cells in it
	free  []int32
	now   uint64

	out       *Rollup
	order     []int32 // slots in the order of out
	row       []int32 // by slot: the row of out that the cell is in
	touched   []int32 // slots whose cells changed since out
	restarted bool    // cells came or went since out
	tops      map[string]struct{}
	topsOf    *Rollup
}

// update makes r the rollup of base.
func (r *rollup) update(base []*Cell, source uint) {
	if r.source != source {
		*r = rollup{mask: r.mask, variants: r.variants, asked: r.asked, at: map[string]int32{}, source: source}
	}
	if r.mask == source {
		r.adopt(base)
		r.publish()
		return
	}
	r.now++
	if n := max(len(base), len(r.base)); n > len(r.up) {
		r.up = append(r.up, make([]int32, n-len(r.up))...)
	}
	for i := range max(len(base), len(r.base)) {
		var old, new *Cell
		if i < len(r.base) {
			old = r.base[i]
		}
		if i < len(base) {
			new = base[i]
		}
		if old == new {
			continue
		}
		if old != nil && old.Key.Mask != source {
			old = nil
		}
		if new != nil && new.Key.Mask != source {
			new = nil
		}
		r.move(i, old, new)
	}
	r.base = base
	r.publish()
}

// adopt makes the base cells themselves those of the rollup: nothing is summed up in the finest grouping.
func (r *rollup) adopt(base []*Cell) {
	n := max(len(base), len(r.cells))
	for i := range n {
		var old, new *Cell
		if i < len(r.cells) {
			old = r.cells[i]
		}
		if i < len(base) && base[i] != nil && base[i].Key.Mask == r.source {
			new = base[i]
		}
		if i == len(r.cells) {
			r.cells = append(r.cells, nil)
		}
		if old == new {
			continue
		}
		r.cells[i] = new
		r.touched = append(r.touched, int32(i))
		r.restarted = r.restarted || old == nil || new == nil || old.Key != new.Key
	}
}

// move takes the base cell old out of its ancestor and puts new in; either may be nil.
func (r *rollup) move(i int, old, new *Cell) {
	if old != nil && new != nil && old.Key == new.Key {
		r.own(r.up[i]).replace(old, new)
		return
	}
	if old != nil {
		slot := r.up[i]
		if r.count[slot]--; r.count[slot] == 0 {
			r.remove(slot)
		} else {
			r.own(slot).unmerge(old)
		}
	}
	if new != nil {
		slot := r.find(new)
		r.up[i] = slot
		r.count[slot]++
		r.own(slot).merge(new)
	}
}

// own returns the cell of a slot, ours to change.
func (r *rollup) own(slot int32) *Cell {
	if r.epoch[slot] != r.now {
		r.touched = append(r.touched, slot)
		r.cells[slot] = r.cells[slot].clone()
		r.epoch[slot] = r.now
	}
	return r.cells[slot]
}

// find returns the slot for the ancestor of a base cell, made if there is none.
func (r *rollup) find(c *Cell) int32 {
	values := project(c.Key, r.mask)
	text := joinKey(values, c.Key.Variant)
	if slot, ok := r.at[text]; ok {
		return slot
	}
	var slot int32
	if n := len(r.free); n > 0 {
		slot, r.free = r.free[n-1], r.free[:n-1]
	} else {
		slot = int32(len(r.cells))
		r.cells, r.epoch, r.count = append(r.cells, nil), append(r.epoch, 0), append(r.count, 0)
	}
	r.at[text] = slot
	r.cells[slot] = &Cell{Key: &Key{Variant: c.Key.Variant, Mask: r.mask, Values: values}, sums: make([]moment.Sums, len(c.sums)), bins: c.bins.like()}
	r.epoch[slot] = r.now
	r.restarted = true
	return slot
}

func (r *rollup) remove(slot int32) {
	k := r.cells[slot].Key
	delete(r.at, joinKey(k.Values, k.Variant))
	r.cells[slot] = nil
	r.free = append(r.free, slot)
	r.restarted = true
}

// publish makes r.out from the cells, if they changed. Rows in which nothing changed have the Values and Arms that they had.
func (r *rollup) publish() {
	switch {
	case r.out == nil || r.restarted:
		r.restart()
	case len(r.touched) > 0:
		rows := slices.Clone(r.out.Rows)
		for _, slot := range r.touched {
			c, i := r.cells[slot], r.row[slot]
			if &rows[i].Arms[0] == &r.out.Rows[i].Arms[0] {
				rows[i].Arms = slices.Clone(rows[i].Arms)
			}
			rows[i].Arms[c.Key.Variant] = c
		}
		r.out = &Rollup{Mask: r.mask, Rows: rows}
	}
	r.touched, r.restarted = r.touched[:0], false
}

// restart makes r.out anew.
func (r *rollup) restart() {
	r.order = r.order[:0]
	for slot, c := range r.cells {
		if c != nil {
			r.order = append(r.order, int32(slot))
		}
	}
	slices.SortFunc(r.order, func(a, b int32) int { return r.cells[a].Key.compare(r.cells[b].Key) })
	sorted := make([]*Cell, len(r.order))
	for i, slot := range r.order {
		sorted[i] = r.cells[slot]
	}
	r.out = &Rollup{Mask: r.mask, Rows: rowsOf(sorted, r.variants)}
	r.row = slices.Grow(r.row[:0], len(r.cells))[:len(r.cells)]
	row, rows := int32(0), r.out.Rows
	for _, slot := range r.order {
		for c := r.cells[slot]; rows[row].Arms[c.Key.Variant] != c; {
			row++
		}
		r.row[slot] = row
	}
}

// rowsOf groups cells, sorted by key, into rows.
func rowsOf(sorted []*Cell, variants int) []Row {
	var rows []Row
	for _, c := range sorted {
		if n := len(rows); n == 0 || !slices.Equal(rows[n-1].Values, c.Key.Values) {
			rows = append(rows, Row{Values: c.Key.Values, Arms: make([]*Cell, variants)})
		}
		rows[len(rows)-1].Arms[c.Key.Variant] = c
	}
	return rows
}

// project returns the values of the dimensions of k that are in mask.
func project(k *Key, mask uint) []string {
	if mask == k.Mask {
		return k.Values
	}
	values := make([]string, 0, bits.OnesCount(mask))
	i := 0
	for m := k.Mask; m != 0; m &= m - 1 {
		if m&-m&mask != 0 {
			values = append(values, k.Values[i])
		}
		i++
	}
	return values
}

// joinKey is a text that only this list of values and variant have.
func joinKey(values []string, variant int) string {
	n := binary.MaxVarintLen64
	for _, v := range values {
		n += len(v) + 2
	}
	b := binary.AppendUvarint(make([]byte, 0, n), uint64(variant))
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	return string(b)
}
