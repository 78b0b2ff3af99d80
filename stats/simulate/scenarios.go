package simulate

import (
	"math"
	"math/rand/v2"

	"github.com/tidemark/tidemark/stats/moment"
)

// scale of drawn values: six decimals.
const scale = 6

// Value draws one subject's value.
type Value func(r *rand.Rand) float64

// Normal draws from the normal distribution.
func Normal(mean, sd float64) Value {
	return func(r *rand.Rand) float64 { return mean + sd*r.NormFloat64() }
}

// Bernoulli draws 1 with chance p, else 0.
func Bernoulli(p float64) Value {
	return func(r *rand.Rand) float64 {
		if r.Float64() < p {
			return 1
		}
		return 0
	}
}

// Lognormal draws exp of a normal value.
func Lognormal(mean, sd float64) Value {
	return func(r *rand.Rand) float64 { return math.Exp(mean + sd*r.NormFloat64()) }
}

// Buyers draws 0 but for a share p, which spends a lognormal sum.
func Buyers(p, mean, sd float64) Value {
	return func(r *rand.Rand) float64 {
		if r.Float64() >= p {
			return 0
		}
		return math.Exp(mean + sd*r.NormFloat64())
	}
}

// fixed returns v at the scale.
func fixed(v float64) int64 { return int64(math.Round(v * 1e6)) }

// Pairs is a metric of which one subject per arm enters at a time; there is a look after every so many pairs, up to perArm.
// The effect is added to the treatment's values.
func Pairs(name string, draw Value, effect float64, perArm, every int) Scenario {
	return Scenario{
		Name: name, Scale: moment.Scale{Num: scale}, Looks: perArm / every, Effect: effect,
		Start: func(r *rand.Rand) func(t, c *moment.Sums) {
			return func(t, c *moment.Sums) {
				for range every {
					t.Add(moment.Point{In: true, Num: fixed(draw(r) + effect), Den: 1})
					c.Add(moment.Point{In: true, Num: fixed(draw(r)), Den: 1})
				}
			}
		},
	}
}

// Clicks is a ratio: a subject sees d = min(50, 1+Geometric(.1)) things and clicks each with its own chance, Beta(1, 4).
// With byEvent each thing counts as a subject of its own: the fault of a variance per event, a negative control.
func Clicks(name string, perArm, every int, byEvent bool) Scenario {
	return Scenario{
		Name: name, Looks: perArm / every,
		Start: func(r *rand.Rand) func(t, c *moment.Sums) {
			subject := func(s *moment.Sums) {
				d := min(50, 1+int64(math.Log(1-r.Float64())/math.Log(.9)))
				p := 1 - math.Pow(r.Float64(), .25) // Beta(1, 4) by its inverse
				var a int64
				for range d {
					var click int64
					if r.Float64() < p {
						click = 1
					}
					a += click
					if byEvent {
						s.Add(moment.Point{In: true, Num: click, Den: 1})
					}
				}
				if !byEvent {
					s.Add(moment.Point{In: true, Num: a, Den: d})
				}
			}
			return func(t, c *moment.Sums) {
				for range every {
					subject(t)
					subject(c)
				}
			}
		},
	}
}

// Stage is a stretch of an allocation ramp: for so many subjects each goes to the treatment with this chance.
type Stage struct {
	Subjects  int
	Treatment float64
}

// Ramp is a metric whose subjects are assigned at random with chances that change; there is a look after every so many subjects.
func Ramp(name string, draw Value, stages []Stage, every int) Scenario {
	total := 0
	for _, s := range stages {
		total += s.Subjects
	}
	return Scenario{
		Name: name, Scale: moment.Scale{Num: scale}, Looks: total / every,
		Start: func(r *rand.Rand) func(t, c *moment.Sums) {
			stage, left := 0, stages[0].Subjects
			return func(t, c *moment.Sums) {
				for range every {
					for left == 0 {
						stage++
						left = stages[stage].Subjects
					}
					left--
					arm := c
					if r.Float64() < stages[stage].Treatment {
						arm = t
					}
					arm.Add(moment.Point{In: true, Num: fixed(draw(r)), Den: 1})
				}
			}
		},
	}
}

// Accruing is an open-ended metric: every enrolled subject adds Poisson(1) to its total before every look. All are enrolled at
// the first look, or each at a look drawn at random.
func Accruing(name string, perArm, looks int, staggered bool) Scenario {
	return Scenario{
		Name: name, Looks: looks,
		Start: func(r *rand.Rand) func(t, c *moment.Sums) {
			type subject struct {
				entry int
				total int64
			}
			var subjects [2][]subject
			for arm := range subjects {
				subjects[arm] = make([]subject, perArm)
				for i := range subjects[arm] {
					if staggered {
						subjects[arm][i].entry = r.IntN(looks)
					}
				}
			}
			look := 0
			return func(t, c *moment.Sums) {
				for arm, s := range []*moment.Sums{t, c} {
					for i := range subjects[arm] {
						u := &subjects[arm][i]
						if look < u.entry {
							continue
						}
						old := moment.Point{In: look > u.entry, Num: u.total, Den: 1}
						u.total += poisson1(r)
						s.Apply(old, moment.Point{In: true, Num: u.total, Den: 1})
					}
				}
				look++
			}
		},
	}
}

// poisson1 draws from Poisson(1) by Knuth's method.
func poisson1(r *rand.Rand) int64 {
	var n int64
	for p := r.Float64(); p > 1/math.E; p *= r.Float64() {
		n++
	}
	return n
}
