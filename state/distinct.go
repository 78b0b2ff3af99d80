package state

import (
	"cmp"
	"math"
	"slices"

	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// exactDistinct is how many values a set holds exactly; beyond it there are registers.
const exactDistinct = 4096

// precision of the registers: 2^14 of them, a standard error of 0.81 %.
const (
	precision = 14
	registers = 1 << precision
	// maxRank is the largest value of a register: one more than the zeros that the rest of a hash can start with.
	maxRank = 64 - precision + 1
)

// distinct is a set of 64-bit hashes: exact up to exactDistinct, then the registers of a HyperLogLog. Both are functions
// of the set alone: whatever order or unions it came by, the same values give the same registers and the same estimate.
type distinct struct {
	hashes    []uint64 // rising; nil when registers are used
	registers []byte   // one each; nil while exact
	// bins are what a quantile metric has instead of a set: how its values are distributed. They are in the head row.
	bins []moment.Bin
	// stored: the set has a child row, of digest row. changed: the row is behind.
	stored, changed bool
	row             digest
}

// add puts one hash in.
func (d *distinct) add(h uint64) {
	if d.registers != nil {
		d.changed = d.raise(h) || d.changed
		return
	}
	i, found := slices.BinarySearch(d.hashes, h)
	if found {
		return
	}
	d.changed = true
	d.hashes = slices.Insert(d.hashes, i, h)
	d.spread()
}

// spread turns a set that has become too large into registers.
func (d *distinct) spread() {
	if len(d.hashes) <= exactDistinct {
		return
	}
	d.registers = make([]byte, registers)
	for _, h := range d.hashes {
		d.raise(h)
	}
	d.hashes = nil
}

// raise counts one hash in the registers and reports whether one of them changed.
func (d *distinct) raise(h uint64) bool {
	i, rank := sketch.Place(h, precision)
	if int(d.registers[i]) >= rank {
		return false
	}
	d.registers[i] = byte(rank)
	return true
}

// union puts all of o in.
func (d *distinct) union(o *distinct) {
	if o.registers == nil && d.registers == nil {
		d.hashes = append(d.hashes, o.hashes...)
		slices.Sort(d.hashes)
		d.hashes = slices.Compact(d.hashes)
		d.spread()
		return
	}
	if d.registers == nil {
		d.registers = make([]byte, registers)
		for _, h := range d.hashes {
			d.raise(h)
		}
		d.hashes = nil
	}
	for _, h := range o.hashes {
		d.raise(h)
	}
	for i, r := range o.registers {
		d.registers[i] = max(d.registers[i], r)
	}
}

// count is how many values the set has, and whether that is an estimate.
func (d *distinct) count() (n int64, approximate bool) {
	if d.registers == nil {
		return int64(len(d.hashes)), false
	}
	return estimate(d.registers), true
}

// estimate returns the number of distinct values from the registers, rounded to an integer.
func estimate(r []byte) int64 {
	var held [maxRank + 1]int64
	for _, x := range r {
		held[x]++
	}
	return int64(math.Round(sketch.Cardinality(held[:])))
}

// ranks are what a set gives to a cell that counts distinct values over all its subjects: a bin for each register of
// sketch.Distinct that its values fall in, with the largest rank there, counted once. They are a function of the registers, and so
// of the set, whether it is held exactly or not: nothing changes when it becomes too large.
func (d *distinct) ranks() []moment.Bin {
	var bins []moment.Bin
	if d.registers == nil {
		bins = make([]moment.Bin, len(d.hashes))
		for i, h := range d.hashes {
			bins[i] = moment.Bin{Index: sketch.RankIndex(sketch.RankOf(h)), Count: 1}
		}
	}
	for i, r := range d.registers {
		if r > 0 {
			bins = append(bins, moment.Bin{Index: sketch.RankIndex(sketch.Coarser(i, int(r), precision)), Count: 1})
		}
	}
	slices.SortFunc(bins, func(a, b moment.Bin) int { return cmp.Compare(a.Index, b.Index) })
	out := bins[:0]
	for i, b := range bins {
		if i+1 == len(bins) || !sketch.SameRegister(b.Index, bins[i+1].Index) {
			out = append(out, b)
		}
	}
	return out
}
