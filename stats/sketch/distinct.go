package sketch

import (
	"fmt"
	"math"
	"math/bits"
)

// precision of Distinct: 2^12 registers. Two more bits would halve its error, for four times the bins.
const precision = 12

// Registers is how many a Distinct has, and MaxRank the largest rank: one more than the zeros that the rest of a hash can start with.
const (
	Registers = 1 << precision
	MaxRank   = 64 - precision + 1
)

// rankBits of an index hold the rank.
const rankBits = 6

// DistinctError is the relative standard error of a Distinct's estimate, sqrt((3·ln 2 − 1)/m) for m registers: 1.6 %. It is that of many
// values; while there are fewer than some ten for each register it is less.
// Source: Flajolet, Fusy, Gandouet & Meunier, HyperLogLog, AofA 2007, Theorem 1.
var DistinctError = math.Sqrt((3*math.Ln2 - 1) / Registers)

// Distinct estimates how many distinct values a changing collection of sets has together: a HyperLogLog from which a set can be taken
// out again. Each set gives, for each register that its values fall in, its own largest rank there; how many sets give a
// rank is counted in the bin RankIndex(register, rank). A register's value is the largest rank with a count above 0, and that is
// the register of the union: so the estimate is exactly that of a HyperLogLog over all values at once, whatever sets they
// came in. It has at most one bin for each register and rank in use: some 8 a register (540 kB) for a million values.
type Distinct struct{ Bins }

// RankIndex returns the bin of a register (0 to Registers − 1) and a rank (1 to MaxRank).
func RankIndex(register, rank int) int32 { return int32(register<<rankBits | rank) }

// SameRegister says whether two bins are of one register.
func SameRegister(a, b int32) bool { return a>>rankBits == b>>rankBits }

func validRank(index int32) bool {
	rank := index & (1<<rankBits - 1)
	return index >= 0 && index < Registers<<rankBits && rank >= 1 && rank <= MaxRank
}

// Place returns the register, of 2^p, that a 64-bit hash falls in, and its rank: one more than the zeros that the rest of it starts
// with. The hash is mixed first by splitmix64's finaliser, a bijection: registers need bits that are evenly spread.
func Place(hash uint64, p int) (register, rank int) {
	h := hash
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	h ^= h >> 31
	return int(h >> (64 - p)), min(bits.LeadingZeros64(h<<p)+1, 64-p+1)
}

// RankOf returns the register and the rank that a hash has in a Distinct.
func RankOf(hash uint64) (register, rank int) { return Place(hash, precision) }

// Coarser returns the register and the rank in a Distinct of what has a rank in one of 2^p registers, p ≥ 12: the bits of the
// register beyond the first 12 are the first that the rank there looks at. Source: Ertl, arXiv:1702.01284, §2.
func Coarser(register, rank, p int) (int, int) {
	more := p - precision
	rest := register & (1<<more - 1)
	if rest == 0 {
		return register >> more, more + rank
	}
	return register >> more, more - bits.Len(uint(rest)) + 1
}

// Estimate returns the number of distinct values, rounded to an integer, with the relative standard error DistinctError; 0 if
// there are none. It returns ErrCorrupt if a count is negative.
func (d *Distinct) Estimate() (float64, error) {
	var held [MaxRank + 1]int64
	held[0] = Registers
	for i, b := range d.bins {
		if b.count < 0 {
			return 0, fmt.Errorf("sketch: rank %d of register %d has %d sets: %w", b.index&(1<<rankBits-1), b.index>>rankBits, b.count, ErrCorrupt)
		}
		if i+1 < len(d.bins) && SameRegister(b.index, d.bins[i+1].index) {
			continue // a higher rank follows
		}
		held[0]--
		held[b.index&(1<<rankBits-1)]++
	}
	return math.Round(Cardinality(held[:])), nil
}

// DecodeDistinct reads an encoded Distinct from the front of b and returns what follows it. Errors are ErrFormat.
func DecodeDistinct(b []byte) (*Distinct, []byte, error) {
	d := &Distinct{}
	rest, err := d.decode(b, validRank)
	if err != nil {
		return nil, nil, err
	}
	return d, rest, nil
}

// Cardinality estimates how many distinct values were put into the registers of a HyperLogLog, of which held[k] hold k; the last
// k is the largest that there is, q + 1:
//
//	n ≈ α∞·m² / (m·σ(C₀/m) + Σ_{k=1..q} C_k·2⁻ᵏ + m·τ(1 − C_{q+1}/m)·2⁻q),  α∞ = 1/(2 ln 2)
//
// with m registers of which C_k hold k. It has no thresholds and no tables of bias. The conversions around products keep the
// compiler from fusing them, so that all machines get the same bits. Source: Ertl, New cardinality estimation algorithms
// for HyperLogLog sketches, arXiv:1702.01284, Algorithm 6.
func Cardinality(held []int64) float64 {
	registers := int64(0)
	for _, c := range held {
		registers += c
	}
	m, last := float64(registers), len(held)-1
	z := float64(m * tau(1-float64(float64(held[last])/m)))
	for k := last - 1; k >= 1; k-- {
		z = float64(0.5 * (z + float64(held[k])))
	}
	z += float64(m * sigma(float64(float64(held[0])/m)))
	return m * m / (2 * math.Ln2) / z
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
