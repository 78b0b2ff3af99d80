package stats

import (
	"errors"
	"fmt"
	"math"
)

// ErrProportion: counts that no two samples of yes and no can have, or too many of them for an exact test.
var ErrProportion = errors.New("bad proportion")

// Share is a sample of yes and no.
type Share struct{ Ones, N int64 }

func (s Share) check() error {
	if s.N < 1 || s.Ones < 0 || s.Ones > s.N {
		return fmt.Errorf("stats: %d of %d: %w", s.Ones, s.N, ErrProportion)
	}
	return nil
}

// Pooled is the test of two shares under the hypothesis that they are one: z² is the χ² of the 2×2 table, with one degree of freedom.
type Pooled struct {
	Test // with the pooled variance p(1−p)·(1/n_t + 1/n_c)
	// PContinuity is P with Yates' correction: the difference less (1/n_t + 1/n_c)/2.
	PContinuity Number
}

// PooledProportions tests the difference of two shares with the pooled variance. It is for parity with tools that do so; Compare treats
// shares as any other mean, which is right also where the two differ. If all or none of both are ones z and p are absent. It returns
// ErrProportion. Source: Pearson's χ² for the 2×2 table; Yates 1934.
func PooledProportions(t, c Share, alpha float64) (Pooled, error) {
	if err := errors.Join(t.check(), c.check()); err != nil {
		return Pooled{}, err
	}
	nt, nc := float64(t.N), float64(c.N)
	share := (float64(t.Ones) + float64(c.Ones)) / (nt + nc)
	diff := (float64(t.Ones)*nc - float64(c.Ones)*nt) / (nt * nc)
	v := share * (1 - share)
	p := Pooled{Test: normalTest(diff, Known(v/nt), Known(v/nc), levelOf(alpha))}
	if p.Z.OK {
		corrected := math.Max(0, math.Abs(diff)-(1/nt+1/nc)/2) / p.SE.V
		p.PContinuity, _ = TwoSidedP(corrected)
	}
	return p, nil
}

// hypergeometric returns the chance of each number of ones in the first of two samples of sizes nt and nc, when both have ones
// together: from low on. By the ratio of neighbours from the most likely one, so that nothing cancels.
func hypergeometric(ones, nt, nc int64) (low int64, p []float64) {
	low = max(0, ones-nc)
	p = make([]float64, min(ones, nt)-low+1)
	mode := int64(float64(ones+1) * (float64(nt+1) / float64(nt+nc+2)))
	mode = min(max(mode, low), low+int64(len(p))-1) - low
	up := func(i int64) float64 { // p[i+1]/p[i]
		k := float64(low + i)
		return (float64(ones) - k) / (k + 1) * (float64(nt) - k) / (float64(nc-ones) + k + 1)
	}
	p[mode] = 1
	sum := 1.0
	for i := mode + 1; i < int64(len(p)); i++ {
		p[i] = p[i-1] * up(i-1)
		sum += p[i]
	}
	for i := mode - 1; i >= 0; i-- {
		p[i] = p[i+1] / up(i)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return low, p
}

// mostExact is the number of subjects above which an exact test says nothing that the normal one does not.
const mostExact = 1 << 22

// tie is how much more likely than the observed table one may be that counts as equally likely: what rounding leaves.
const tie = 1 + 1e-7

// FisherExact returns the two-sided p of Fisher's exact test that two shares are equal: given the number of ones in both together, the
// chance of a table that is no likelier than the one observed. It returns ErrProportion, also above 4 million subjects.
// Source: Fisher 1935; the two-sided form of Freeman & Halton 1951.
func FisherExact(t, c Share) (float64, error) {
	if err := errors.Join(t.check(), c.check()); err != nil {
		return 0, err
	}
	if t.N+c.N > mostExact {
		return 0, fmt.Errorf("stats: exact test of %d subjects, %d are the most: %w", t.N+c.N, mostExact, ErrProportion)
	}
	low, p := hypergeometric(t.Ones+c.Ones, t.N, c.N)
	return math.Max(atMost(p, p[t.Ones-low]), minP), nil
}

// atMost adds up what is no likelier than the observed.
func atMost(p []float64, observed float64) (sum float64) {
	for _, v := range p {
		if v <= observed*tie {
			sum += v
		}
	}
	return min(1, sum)
}

// BarnardExact returns the two-sided p of Barnard's unconditional test that two shares are equal: the largest chance, over the share that
// both may have, of a table whose pooled |z| is at least the observed one. It returns ErrProportion, also where n_t·n_c is above
// 4 million. Source: Barnard 1947, with the pooled z of Suissa & Shuster 1985.
func BarnardExact(t, c Share) (float64, error) {
	if err := errors.Join(t.check(), c.check()); err != nil {
		return 0, err
	}
	if t.N > mostExact/c.N {
		return 0, fmt.Errorf("stats: Barnard's test of %d and %d subjects is too large: %w", t.N, c.N, ErrProportion)
	}
	nt, nc := float64(t.N), float64(c.N)
	z2 := func(a, b float64) float64 { // |z|² but for the factor that all tables share
		share := (a + b) / (nt + nc)
		if v := share * (1 - share); v > 0 {
			d := a/nt - b/nc
			return d * d / v
		}
		return 0
	}
	observed := z2(float64(t.Ones), float64(c.Ones))
	// Given s ones in all, the table does not depend on the share; what is left of it is the chance of s.
	n := t.N + c.N
	extreme := make([]float64, n+1)
	for s := range extreme {
		low, p := hypergeometric(int64(s), t.N, c.N)
		for i, v := range p {
			if a := float64(low + int64(i)); z2(a, float64(s)-a) >= observed/tie {
				extreme[s] += v
			}
		}
	}
	logBinomial := make([]float64, n+1)
	for s := int64(1); s <= n; s++ {
		logBinomial[s] = logBinomial[s-1] + math.Log(float64(n-s+1)/float64(s))
	}
	chance := func(share float64) (p float64) {
		a, b := math.Log(share), math.Log1p(-share)
		for s, e := range extreme {
			if e > 0 {
				p += e * math.Exp(logBinomial[s]+float64(s)*a+float64(n-int64(s))*b)
			}
		}
		return p
	}
	return math.Min(1, math.Max(largest(chance), minP)), nil
}

// largest returns the largest value of f over (0, 1): the best of a grid, then by thirds around it.
func largest(f func(float64) float64) float64 {
	const steps = 400
	best, at := 0.0, 0.5
	for i := 1; i < steps; i++ {
		x := float64(i) / steps
		if v := f(x); v > best {
			best, at = v, x
		}
	}
	for low, high := at-1.0/steps, at+1.0/steps; high-low > 1e-10; {
		a, b := low+(high-low)/3, high-(high-low)/3
		fa, fb := f(math.Max(a, 1e-12)), f(math.Min(b, 1-1e-12))
		best = math.Max(best, math.Max(fa, fb))
		if fa < fb {
			low = a
		} else {
			high = b
		}
	}
	return best
}

// BinomialExact returns the two-sided p of the exact test that a sample has the given share of ones: the chance of a number of ones that
// is no likelier than the one observed. For a split of subjects over two arms it is the exact sample ratio test of one look. It returns
// ErrProportion, also for a share outside (0, 1) and above 4 million subjects. Source: elementary.
func BinomialExact(s Share, share float64) (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	if !(share > 0 && share < 1) || s.N > mostExact {
		return 0, fmt.Errorf("stats: exact test of %d subjects against the share %v: %w", s.N, share, ErrProportion)
	}
	n := s.N
	p := make([]float64, n+1)
	mode := min(int64(float64(n+1)*share), n)
	odds := share / (1 - share)
	p[mode] = 1
	sum := 1.0
	for k := mode + 1; k <= n; k++ {
		p[k] = p[k-1] * odds * float64(n-k+1) / float64(k)
		sum += p[k]
	}
	for k := mode - 1; k >= 0; k-- {
		p[k] = p[k+1] / odds * float64(k+1) / float64(n-k)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return math.Max(atMost(p, p[s.Ones]), minP), nil
}
