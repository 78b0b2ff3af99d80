package stats

import (
	"errors"
	"math"
	"math/big"
	"testing"
)

// choose is n over k, exactly.
func choose(n, k int64) *big.Rat { return new(big.Rat).SetInt(new(big.Int).Binomial(n, k)) }

func TestExactTestsAgreeWithRationals(t *testing.T) {
	r := newRand(t)
	for range 400 {
		tr, co := Share{N: 1 + r.Int64N(40)}, Share{N: 1 + r.Int64N(40)}
		tr.Ones, co.Ones = r.Int64N(tr.N+1), r.Int64N(co.N+1)
		ones := tr.Ones + co.Ones
		// Fisher: of the tables with these margins, those that are no likelier.
		weight := func(k int64) *big.Rat { return new(big.Rat).Mul(choose(tr.N, k), choose(co.N, ones-k)) }
		sum := new(big.Rat)
		for k := max(0, ones-co.N); k <= min(ones, tr.N); k++ {
			if w := weight(k); w.Cmp(weight(tr.Ones)) <= 0 {
				sum.Add(sum, w)
			}
		}
		want, _ := sum.Quo(sum, choose(tr.N+co.N, ones)).Float64()
		if got, err := FisherExact(tr, co); err != nil || relative(got, want) > 1e-12 {
			t.Fatalf("Fisher of %v and %v: %v, %v, want %v", tr, co, got, err, want)
		}
		if got, err := FisherExact(co, tr); err != nil || relative(got, want) > 1e-12 {
			t.Fatalf("Fisher the other way round: %v, %v, want %v", got, err, want)
		}
		// The binomial at a share of 3/8.
		sum = new(big.Rat)
		chance := func(k int64) *big.Rat {
			p := choose(tr.N, k)
			for i := range tr.N {
				if i < k {
					p.Mul(p, big.NewRat(3, 8))
				} else {
					p.Mul(p, big.NewRat(5, 8))
				}
			}
			return p
		}
		for k := int64(0); k <= tr.N; k++ {
			if c := chance(k); c.Cmp(chance(tr.Ones)) <= 0 {
				sum.Add(sum, c)
			}
		}
		want, _ = sum.Float64()
		if got, err := BinomialExact(tr, 3./8); err != nil || relative(got, want) > 1e-12 {
			t.Fatalf("binomial of %v: %v, %v, want %v", tr, got, err, want)
		}
	}
}

func TestBarnardIsTheWorstOfAllShares(t *testing.T) {
	// The plain version: every table, at each share of a grid.
	r := newRand(t)
	for range 60 {
		tr, co := Share{N: 1 + r.Int64N(12)}, Share{N: 1 + r.Int64N(12)}
		tr.Ones, co.Ones = r.Int64N(tr.N+1), r.Int64N(co.N+1)
		z := func(a, b int64) float64 {
			p, err := PooledProportions(Share{a, tr.N}, Share{b, co.N}, .05)
			if err != nil {
				t.Fatal(err)
			}
			return math.Abs(p.Z.V)
		}
		observed, worst := z(tr.Ones, co.Ones), 0.0
		for i := 1; i < 200; i++ {
			share, sum := float64(i)/200, 0.0
			for a := int64(0); a <= tr.N; a++ {
				for b := int64(0); b <= co.N; b++ {
					if z(a, b) >= observed-1e-9 {
						ca, _ := choose(tr.N, a).Float64()
						cb, _ := choose(co.N, b).Float64()
						sum += ca * cb * math.Pow(share, float64(a+b)) * math.Pow(1-share, float64(tr.N+co.N-a-b))
					}
				}
			}
			worst = math.Max(worst, sum)
		}
		got, err := BarnardExact(tr, co)
		if err != nil || got < worst*(1-1e-12) || got > worst+2e-3 {
			t.Fatalf("%v and %v: %v, %v, over the grid %v", tr, co, got, err, worst)
		}
	}
}

func TestExactTestsOfLargeSamplesTendToTheNormal(t *testing.T) {
	tr, co := Share{51200, 100000}, Share{50700, 100000}
	pooled, err := PooledProportions(tr, co, .05)
	if err != nil {
		t.Fatal(err)
	}
	fisher, err := FisherExact(tr, co)
	if err != nil || relative(fisher, pooled.PContinuity.V) > 1e-3 {
		t.Errorf("Fisher %v, %v, with continuity %v", fisher, err, pooled.PContinuity)
	}
	exact, err := BinomialExact(Share{1001000, 2000000}, .5)
	srm, _ := SampleRatio([]int64{1001000, 999000}, []float64{1, 1}, SRMOptions{})
	if err != nil || relative(exact, srm.P.V) > 2e-3 {
		t.Errorf("binomial %v, %v, χ² %v", exact, err, srm.P)
	}
	// All in one arm: far below any float, and not 0.
	if p, err := FisherExact(Share{1e6, 1e6}, Share{0, 1e6}); err != nil || !(p > 0) || p > 1e-300 {
		t.Errorf("%v, %v", p, err)
	}
}

func TestProportionsAreRefused(t *testing.T) {
	good := Share{3, 7}
	for name, bad := range map[string]Share{"nobody": {0, 0}, "more ones than subjects": {8, 7}, "fewer than none": {-1, 7}} {
		_, pooled := PooledProportions(bad, good, .05)
		_, fisher := FisherExact(good, bad)
		_, barnard := BarnardExact(bad, good)
		_, exact := BinomialExact(bad, .5)
		_, always := AlwaysShare(bad, 100, .05)
		for _, err := range []error{pooled, fisher, barnard, exact, always} {
			if !errors.Is(err, ErrProportion) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	_, large := FisherExact(Share{1, 1 << 40}, good)
	_, product := BarnardExact(Share{1, 1 << 20}, Share{1, 1 << 20})
	_, share := BinomialExact(good, 1)
	for _, err := range []error{large, product, share} {
		if !errors.Is(err, ErrProportion) {
			t.Error(err)
		}
	}
	for _, err := range []error{second2(AlwaysShare(good, 0, .05)), second2(AlwaysShare(good, 10, 1))} {
		if !errors.Is(err, ErrPlan) {
			t.Error(err)
		}
	}
}

func second2(_ Interval, err error) error { return err }

func TestAlwaysShareCoversAtEveryLook(t *testing.T) {
	r := newRand(t)
	for _, p := range []float64{.02, .3, .5} {
		const runs = 600
		missed := 0
		for range runs {
			var s Share
			for range 400 {
				s.N++
				if r.Float64() < p {
					s.Ones++
				}
				// As the interval is asked: is p in it? Without searching for its ends.
				o := []float64{float64(s.Ones), float64(s.N - s.Ones)}
				if logBayesFactor(o, []float64{p, 1 - p}, Rho(100, .05)-1) >= -math.Log(.05) {
					missed++
					i, err := AlwaysShare(s, 100, .05)
					if err != nil || i.Low <= p && p <= i.High {
						t.Fatalf("%v: %v, %v has the rejected %v in it", s, i, err, p)
					}
					break
				}
			}
		}
		if limit := runs * (.05 + 3*math.Sqrt(.05*.95/runs)); float64(missed) > limit || missed == 0 {
			t.Errorf("p = %v: missed in %d of %d, at most %.0f may be", p, missed, runs, limit)
		}
	}
}
