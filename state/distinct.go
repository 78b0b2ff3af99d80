package state

import (
	"math"
	"math/bits"
	"slices"

	"github.com/tidemark/tidemark/stats/moment"
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
	h = mix(h)
	i := h >> (64 - precision)
	rank := byte(min(bits.LeadingZeros64(h<<precision)+1, maxRank))
	if d.registers[i] >= rank {
		return false
	}
	d.registers[i] = rank
	return true
}

// mix is the finaliser of splitmix64, a bijection: the registers need bits that are evenly spread, whatever hash the
// values came with.
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
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

// estimate returns the number of distinct values from the registers, rounded to an integer:
//
//	n ≈ α∞·m² / (m·σ(C₀/m) + Σ_{k=1..q} C_k·2⁻ᵏ + m·τ(1 − C_{q+1}/m)·2⁻q),  α∞ = 1/(2 ln 2)
//
// with m registers of which C_k hold k, and q = 64 − p. It has no thresholds and no tables of bias. The conversions
// around products keep the compiler from fusing them, so that all machines get the same bits. Source: Ertl, New
// cardinality estimation algorithms for HyperLogLog sketches, arXiv:1702.01284, Algorithm 6.
func estimate(r []byte) int64 {
	var c [maxRank + 1]float64
	for _, x := range r {
		c[x]++
	}
	m := float64(len(r))
	z := float64(m * tau(1-float64(c[maxRank]/m)))
	for k := maxRank - 1; k >= 1; k-- {
		z = float64(0.5 * (z + c[k]))
	}
	z += float64(m * sigma(float64(c[0]/m)))
	return int64(math.Round(m * m / (2 * math.Ln2) / z))
}

// sigma is x + Σ_{k≥1} x^(2^k)·2^(k−1).
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x = float64(x * x)
		before := z
		z += float64(x * y)
		y += y
		if z == before {
			return z
		}
	}
}

// tau is (1 − x − Σ_{k≥1} (1 − x^(2^−k))²·2^−k) / 3.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y = float64(y * 0.5)
		z -= float64(float64((1-x)*(1-x)) * y)
		if z == before {
			return z / 3
		}
	}
}
