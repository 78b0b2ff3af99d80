package sketch

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

var (
	// ErrEmpty: a quantile of nothing was asked for.
	ErrEmpty = errors.New("no values")
	// ErrCorrupt: more values were taken out of a bin than were put in.
	ErrCorrupt = errors.New("negative count: the state is corrupt")
	// ErrFormat marks bytes that are no encoded sketch: cut short, of an unknown version, or not the one spelling.
	ErrFormat = errors.New("not an encoded sketch")
)

// mantissa is how many bits of a value, its leading 1 included, choose its bin: 8 give a relative error of at most 1/256.
const mantissa = 8

// Quantiles counts values by bin. Values below 256 in magnitude have bins of their own. It is not safe for concurrent change.
type Quantiles struct{ Bins }

// indexOf returns a value's bin: rising with the value, and the negative of that for its negative.
func indexOf(v int64) int32 {
	if v < 0 {
		return -magnitudeIndex(uint64(-(v + 1)) + 1)
	}
	return magnitudeIndex(uint64(v))
}

func magnitudeIndex(m uint64) int32 {
	e := max(0, bits.Len64(m)-mantissa)
	return int32(e)<<(mantissa-1) + int32(m>>e)
}

// middle returns the middle of a bin.
func middle(index int32) int64 {
	if index < 0 {
		if v := middle(-index); v > 0 || index == 0 {
			return -v
		}
		return math.MinInt64
	}
	e := max(0, int(index)>>(mantissa-1)-1)
	low := uint64(index-int32(e)<<(mantissa-1)) << e
	v := low + uint64(1)<<e/2
	if v > math.MaxInt64 {
		// The bin of −2^63 alone, by its magnitude.
		return 0
	}
	return int64(v)
}

// Add counts a value n times; a negative n takes it out.
func (q *Quantiles) Add(v int64, n int64) { q.AddBin(indexOf(v), n) }

// Merge adds other's values.
func (q *Quantiles) Merge(other *Quantiles) { q.Bins.Merge(&other.Bins) }

// Quantile returns a value at rank ⌈p·n⌉ of the n values in ascending order (the first for p ≤ 0, the last for p ≥ 1), but for the
// width of its bin: at most 1/256 of it. It returns ErrEmpty if there are none, and ErrCorrupt if a count is negative.
// Source: Masson, Rim & Lee, VLDB 2019 (DDSketch), with the bins of HdrHistogram.
func (q *Quantiles) Quantile(p float64) (int64, error) {
	if q.n <= 0 && len(q.bins) == 0 {
		return 0, ErrEmpty
	}
	rank := int64(math.Ceil(p * float64(q.n)))
	rank = min(max(rank, 1), q.n)
	var below int64
	answer, found := int64(0), false
	for _, b := range q.bins {
		if b.count < 0 {
			return 0, fmt.Errorf("sketch: bin of %d has %d values: %w", middle(b.index), b.count, ErrCorrupt)
		}
		if below += b.count; below >= rank && !found {
			answer, found = middle(b.index), true
		}
	}
	return answer, nil
}

// Interval returns the interval of the p-quantile when the share of values at or below it has the standard error se: the quantiles
// at p ∓ k·se. For values that come in clusters (a subject's events) se is that of the ratio of counts, Σ 1{value ≤ q} over Σ 1,
// over subjects; then the interval knows the clusters too. Errors as Quantile. Source: Woodruff, JASA 1952.
func (q *Quantiles) Interval(p, se, k float64) (low, high int64, err error) {
	if low, err = q.Quantile(p - k*se); err != nil {
		return 0, 0, err
	}
	high, err = q.Quantile(p + k*se)
	return low, high, err
}

// ErrPopulations: the two sides of a ratio were counted over different subjects.
var ErrPopulations = errors.New("different populations")

// RatioCaps returns the caps of a ratio's numerator and denominator at the p-quantile of each. Both must count the same subjects, zeros
// included or not: capped over different ones the two sides no longer belong together, and the ratio moves (GrowthBook #6331). Pool
// the arms before (Merge): a cap of each arm's own biases their difference. It returns ErrPopulations, and the errors of Quantile.
func RatioCaps(num, den *Quantiles, p float64) (capNum, capDen int64, err error) {
	if num.n != den.n {
		return 0, 0, fmt.Errorf("sketch: caps of a ratio over %d numerators and %d denominators: %w", num.n, den.n, ErrPopulations)
	}
	if capNum, err = num.Quantile(p); err != nil {
		return 0, 0, err
	}
	capDen, err = den.Quantile(p)
	return capNum, capDen, err
}

// Decode reads an encoded sketch from the front of b and returns what follows it. Errors are ErrFormat.
func Decode(b []byte) (*Quantiles, []byte, error) {
	q := &Quantiles{}
	rest, err := q.decode(b, ValidIndex)
	if err != nil {
		return nil, nil, err
	}
	return q, rest, nil
}
