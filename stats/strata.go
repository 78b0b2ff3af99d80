package stats

import (
	"math"

	"github.com/tidemark/tidemark/stats/moment"
)

// Stratum is one of the slices that divide the subjects between them: the leaf cells of a subject dimension.
type Stratum struct{ Treatment, Control Estimate }

func (s Stratum) whole() bool { return s.Treatment.Var.OK && s.Control.Var.OK }

// StratumOf makes a stratum of two arms' sums: of their values, or with CUPED of the values adjusted by the pre-period within the
// stratum. A stratum whose pre-period tells nothing (there is none, or it is the same for all) counts unadjusted; so does a single one
// count as CUPED by itself.
func StratumOf(treatment, control *moment.Sums, d Design) Stratum {
	if d.CUPED {
		if a := CUPED(treatment, control, d); a.Difference.SE.OK {
			return Stratum{a.Treatment, a.Control}
		}
	}
	t, _ := Ratio(treatment, d.Scale)
	c, _ := Ratio(control, d.Scale)
	return Stratum{t, c}
}

// PostStratify returns the difference that the strata give when each counts by its share of all subjects:
//
//	δ = Σ w_s·δ_s,   w_s = N_s/N,   SE² = Σ w_s²·(v_t,s + v_c,s) + (1/N)·Σ w_s·(δ_s − δ)²
//
// An always-valid test of it goes by AlwaysVar of each stratum, Σ w_s²·V*_s: in a ramp the arms may be of one size over all and yet very
// unequal on the days that weigh most. The second term is for sizes that are random too; without it the interval covers too little. It is for means; N counts both
// arms. It is absent if a stratum has fewer than two subjects in an arm: merge such strata before.
// Source: Miratrix, Sekhon & Yu, JRSS B 2013; GrowthBook #5028 is this variance done wrong.
func PostStratify(strata []Stratum, alpha float64) Test {
	var n, diff, v, always, spread float64
	for _, s := range strata {
		if !s.whole() {
			return Test{}
		}
		n += float64(s.Treatment.N + s.Control.N)
	}
	if n == 0 {
		return Test{}
	}
	for _, s := range strata {
		w := float64(s.Treatment.N+s.Control.N) / n
		diff += w * (s.Treatment.Value.V - s.Control.Value.V)
		v += w * w * (s.Treatment.Var.V + s.Control.Var.V)
		always += w * w * AlwaysVar(s.Treatment, s.Control).V
	}
	for _, s := range strata {
		w := float64(s.Treatment.N+s.Control.N) / n
		d := s.Treatment.Value.V - s.Control.Value.V - diff
		spread += w * d * d
	}
	test := normalTest(diff, Known(v+spread/n), Known(0), levelOf(alpha))
	if always > v {
		test.SEAlways = Known(math.Sqrt(always + spread/n))
	}
	return test
}

// Heterogeneity is Cochran's test of whether the effect is the same in every stratum.
type Heterogeneity struct {
	Q  Number
	DF int
	P  Number // upper tail of χ² with DF degrees of freedom, for one look
}

// CochranQ tests whether the strata share one difference:
//
//	Q = Σ (δ_s − δ̄)²/v_s,   δ̄ = Σ (δ_s/v_s)/Σ (1/v_s),   v_s = v_t,s + v_c,s
//
// over the strata whose v_s is above 0; absent if they are fewer than two. Source: Cochran 1954.
func CochranQ(strata []Stratum) Heterogeneity {
	var h Heterogeneity
	var sum, weight float64
	used := 0
	each := func(f func(diff, v float64)) {
		for _, s := range strata {
			if v := s.Treatment.Var.V + s.Control.Var.V; s.whole() && v > 0 {
				f(s.Treatment.Value.V-s.Control.Value.V, v)
			}
		}
	}
	each(func(diff, v float64) { sum, weight, used = sum+diff/v, weight+1/v, used+1 })
	if used < 2 {
		return h
	}
	q, mean := 0.0, sum/weight
	each(func(diff, v float64) { q += (diff - mean) * (diff - mean) / v })
	h.Q, h.DF, h.P = Known(q), used-1, Known(chiSquaredUpper(q, used-1))
	return h
}

// Mix compares the pooled difference with the one that the strata give: how much of it comes from the arms being made up of
// other parts of the strata (Simpson's paradox).
type Mix struct {
	Pooled, Stratified Test
	Shift              Test // pooled − stratified, with its own error under random assignment
	// Flips: the two differences have opposite signs, and both are more than 2 standard errors from 0.
	Flips bool
	// Shifted: the shift is more than 2 of its standard errors from 0.
	Shifted bool
}

// MixShift looks for a difference that the strata do not bear out. With p the strata's shares within each arm,
//
//	pooled − stratified = Σ (p_t,s − p_c,s)·M_s,   M_s = (n_c·m_t,s + n_t·m_c,s)/n
//
// whose variance under random assignment is (1/n_t + 1/n_c)·(Σ w_s·M_s² − (Σ w_s·M_s)²). In a correctly randomised experiment a
// flip means a fault of assignment or a ramp that mixes days; look at the sample ratio per stratum. It is for means.
// Source: elementary; the variance is that of two multinomial samples.
func MixShift(strata []Stratum, alpha float64) Mix {
	var m Mix
	m.Stratified = PostStratify(strata, alpha)
	if !m.Stratified.SE.OK {
		return m
	}
	var nt, nc float64
	for _, s := range strata {
		nt, nc = nt+float64(s.Treatment.N), nc+float64(s.Control.N)
	}
	n := nt + nc
	var pooled, v, shift, first, second float64
	var mt, mc float64
	for _, s := range strata {
		mt += float64(s.Treatment.N) / nt * s.Treatment.Value.V
		mc += float64(s.Control.N) / nc * s.Control.Value.V
	}
	pooled = mt - mc
	for _, s := range strata {
		at, ac := float64(s.Treatment.N), float64(s.Control.N)
		// The arm's variance over all strata: within them, and between them.
		dt, dc := s.Treatment.Value.V-mt, s.Control.Value.V-mc
		v += (s.Treatment.Var.V*at*(at-1)+at*dt*dt)/((nt-1)*nt) + (s.Control.Var.V*ac*(ac-1)+ac*dc*dc)/((nc-1)*nc)
		ms := (nc*s.Treatment.Value.V + nt*s.Control.Value.V) / n
		shift += (at/nt - ac/nc) * ms
		w := (at + ac) / n
		first, second = first+w*ms, second+w*ms*ms
	}
	l := levelOf(alpha)
	m.Pooled = normalTest(pooled, Known(v), Known(0), l)
	m.Shift = normalTest(shift, Known(math.Max(second-first*first, 0)*(1/nt+1/nc)), Known(0), l)
	a, b := m.Pooled.Z, m.Stratified.Z
	m.Flips = a.OK && b.OK && math.Abs(a.V) > 2 && math.Abs(b.V) > 2 && (a.V > 0) != (b.V > 0)
	m.Shifted = m.Shift.Z.OK && math.Abs(m.Shift.Z.V) > 2
	return m
}

// PreExposure tests the difference of the pre-period's values: before the first exposure there is no effect, so a small p (below
// 0.001, divided by the number of metrics) is a fault of assignment or of measurement. With mean the pre-period's value of a
// subject counts by itself, else as a ratio. What can't be computed is absent. Source: Statsig's and GrowthBook's
// checks of pre-exposure bias.
func PreExposure(treatment, control *moment.Sums, sc moment.Scale, mean bool, alpha float64) Test {
	before := func(s *moment.Sums) *moment.Sums {
		b := &moment.Sums{
			N: s.N, Num: s.Before.Pre, Num2: s.Before.Pre2,
			Den: s.Before.PreDen, Den2: s.Before.PreDen2, NumDen: s.Before.PrePreDen,
		}
		if mean {
			b.Den, b.Den2, b.NumDen = moment.Int128From(s.N), moment.Int192From(s.N), b.Num.Wide()
		}
		return b
	}
	return Compare(before(treatment), before(control), Design{Scale: sc, Alpha: alpha}).Difference
}
