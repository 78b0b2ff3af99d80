package simulate

import (
	"math"
	"math/rand/v2"
	"time"

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

// Heavy draws from t(4) plus Exp(1): tails in which few subjects make a mean.
func Heavy() Value {
	return func(r *rand.Rand) float64 {
		chi2 := -2 * math.Log((1-r.Float64())*(1-r.Float64())) // 4 degrees of freedom
		return r.NormFloat64()/math.Sqrt(chi2/4) + r.ExpFloat64()
	}
}

// fixed returns v at the scale.
func fixed(v float64) int64 { return int64(math.Floor(v*1e6 + .5)) }

// Pairs is a metric of which one subject per arm enters at a time; there is a look after every so many pairs, and
// after perArm of them.
// The effect is added to the treatment's values.
func Pairs(name string, draw Value, effect float64, perArm, every int) Scenario {
	return Scenario{
		Name: name, Scale: moment.Scale{Num: scale}, Looks: (perArm + every - 1) / every, Effect: effect,
		Start: func(r *rand.Rand) func(func(*Event)) {
			var e Event
			n := 0
			return func(emit func(*Event)) {
				for range min(every, perArm-n/2) {
					e.Subject, e.Arm, e.Num = n, Treatment, fixed(draw(r)+effect)
					emit(&e)
					e.Subject, e.Arm, e.Num = n+1, Control, fixed(draw(r))
					emit(&e)
					n += 2
				}
			}
		},
	}
}

// Rates is a look at the end at Bernoulli values with a rate of its own in each arm.
func Rates(name string, perArm int, control, treatment float64) Scenario {
	return Scenario{
		Name: name, Looks: 1, Effect: treatment - control,
		Start: func(r *rand.Rand) func(func(*Event)) {
			// Between two ones lie geometrically many zeros: one draw for all of them.
			gap := func(p float64) int { return int(math.Log1p(-r.Float64()) / math.Log1p(-p)) }
			return func(emit func(*Event)) {
				var e Event
				rate, left := [2]float64{control, treatment}, [2]int{gap(control), gap(treatment)}
				for i := range 2 * perArm {
					e.Subject, e.Arm, e.Num = i, i&1, 0
					if left[e.Arm] == 0 {
						e.Num, left[e.Arm] = 1, gap(rate[e.Arm])+1
					}
					left[e.Arm]--
					emit(&e)
				}
			}
		},
	}
}

// Clicks is a ratio: a subject sees d = min(50, 1+Geometric(.1)) things and clicks each with its own chance, Beta(1, 4).
// With byEvent each thing counts as a subject of its own: the fault of a variance per event, a negative control.
func Clicks(name string, perArm, every int, byEvent bool) Scenario {
	s := Scenario{Name: name, Looks: perArm / every, Ratio: !byEvent}
	s.Start = func(r *rand.Rand) func(func(*Event)) {
		var e Event
		n := 0
		ln := math.Log(.9)
		subject := func(arm int, emit func(*Event)) {
			d := min(50, 1+int64(math.Log(1-r.Float64())/ln))
			p := 1 - math.Sqrt(math.Sqrt(r.Float64())) // Beta(1, 4) by its inverse
			e.Arm, e.Den = arm, d
			var a int64
			for range d {
				var click int64
				if r.Float64() < p {
					click = 1
				}
				a += click
				if byEvent {
					e.Subject, e.Num = n, click
					n++
					emit(&e)
				}
			}
			if !byEvent {
				e.Subject, e.Num = n, a
				n++
				emit(&e)
			}
		}
		return func(emit func(*Event)) {
			for range every {
				subject(Treatment, emit)
				subject(Control, emit)
			}
		}
	}
	return s
}

// Bots is a ratio, milliseconds per event, of which a few subjects have most of the events, and those ten times as slow: of the others each
// has two.
func Bots(name string, share float64, events int64, perArm, every int) Scenario {
	s := Scenario{Name: name, Looks: perArm / every, Ratio: true}
	s.Start = func(r *rand.Rand) func(func(*Event)) {
		var e Event
		n := 0
		return func(emit func(*Event)) {
			for i := range 2 * every {
				e.Subject, e.Arm = n, 1-i&1
				n++
				ms := 100.0
				e.Den = 2
				if r.Float64() < share {
					e.Den, ms = events, 1000
				}
				d := float64(e.Den)
				e.Num = int64(math.Round(ms * (d + .3*math.Sqrt(d)*r.NormFloat64())))
				emit(&e)
			}
		}
	}
	return s
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
		Start: func(r *rand.Rand) func(func(*Event)) {
			stage, left, n := 0, stages[0].Subjects, 0
			var e Event
			return func(emit func(*Event)) {
				for range every {
					for left == 0 {
						stage++
						left = stages[stage].Subjects
					}
					left--
					e.Subject, e.Arm = n, Control
					n++
					if r.Float64() < stages[stage].Treatment {
						e.Arm = Treatment
					}
					e.Num = fixed(draw(r))
					emit(&e)
				}
			}
		},
	}
}

// Accruing is an open-ended metric: every enrolled subject adds Poisson(1) to its total before every look. All are enrolled at
// the first look, or each at a look drawn at random.
func Accruing(name string, perArm, looks int, staggered bool) Scenario {
	return Scenario{
		Name: name, Looks: looks, Repeated: true, Step: time.Hour,
		Start: func(r *rand.Rand) func(func(*Event)) {
			entry := make([]int, 2*perArm)
			if staggered {
				for i := range entry {
					entry[i] = r.IntN(looks)
				}
			}
			look := 0
			var e Event
			return func(emit func(*Event)) {
				for i := range entry {
					if look < entry[i] {
						continue
					}
					e.Subject, e.Arm, e.Num = i, i&1, poisson1(r)
					if e.Num > 0 || look == entry[i] {
						emit(&e)
					}
				}
				look++
			}
		},
	}
}

// Windowed is Accruing, staggered, in the strict mode: a subject enters once, with the total of its window, when that is over and
// nothing in time can change it any more. It goes on adding events after its window, which do not count.
func Windowed(name string, perArm, looks, window int) Scenario {
	s := Accruing(name, perArm, looks, true)
	// The engine waits for the lateness of an hour, a look, and five minutes more for its clock.
	s.Window, s.Settle = window, 2
	return s
}

// poisson1 draws from Poisson(1) by its distribution.
func poisson1(r *rand.Rand) int64 {
	u := r.Float64()
	p := 1 / math.E
	for n := int64(0); ; n++ {
		if u < p || n > 30 {
			return n
		}
		u -= p
		p /= float64(n + 1)
	}
}

// Corrected is Pairs of which a share of the values is corrected later, and some subjects turn up in the other arm too and are
// taken out. Corrections are events of their own, up to so many pairs later.
func Corrected(name string, draw Value, perArm, every int, corrected, removed float64) Scenario {
	type later struct {
		subject, arm int
		num          int64
	}
	return Scenario{
		Name: name, Scale: moment.Scale{Num: scale}, Looks: perArm / every, Repeated: true,
		Observe: func(l *Look) float64 {
			if l.Population.Recomputed() {
				return 1
			}
			return 0
		},
		Start: func(r *rand.Rand) func(func(*Event)) {
			due := make([][]later, perArm+1)
			n := 0
			var e Event
			enter := func(pair, arm int, emit func(*Event)) {
				e.Subject, e.Arm, e.Num = n, arm, fixed(draw(r))
				first := e.Num
				emit(&e)
				at := pair + 1 + r.IntN(1000)
				switch u := r.Float64(); {
				case at >= len(due):
				case u < corrected:
					due[at] = append(due[at], later{n, arm, fixed(draw(r)) - first})
				case u < corrected+removed:
					due[at] = append(due[at], later{n, 1 - arm, fixed(draw(r))})
				}
				n++
			}
			pair := 0
			return func(emit func(*Event)) {
				for range every {
					for _, d := range due[pair] {
						e.Subject, e.Arm, e.Num = d.subject, d.arm, d.num
						emit(&e)
					}
					due[pair] = nil
					enter(pair, Treatment, emit)
					enter(pair, Control, emit)
					pair++
				}
			}
		},
	}
}

// Before is Pairs with a pre-period whose values correlate with the values by rho.
func Before(name string, rho float64, perArm, every int) Scenario {
	return Scenario{
		Name: name, Scale: moment.Scale{Num: scale}, Looks: perArm / every, CUPED: true,
		Observe: func(l *Look) float64 {
			n, ok := l.Numbers(0)
			if !ok {
				return 1
			}
			return n.Adjusted.SE.V / n.Test.SE.V
		},
		Start: func(r *rand.Rand) func(func(*Event)) {
			var e Event
			n := 0
			rest := math.Sqrt(1 - rho*rho)
			return func(emit func(*Event)) {
				for i := range 2 * every {
					x := r.NormFloat64()
					e.Subject, e.Arm = n, 1-i&1
					e.Pre, e.Num = fixed(3+x), fixed(3+rho*x+rest*r.NormFloat64())
					n++
					emit(&e)
				}
			}
		},
	}
}

// Assigned is a split alone: each subject goes to the treatment with the chance given, where half is planned.
func Assigned(name string, treatment float64, subjects, every int) Scenario {
	return Scenario{
		Name: name, Looks: subjects / every, Split: true,
		Start: func(r *rand.Rand) func(func(*Event)) {
			var e Event
			n := 0
			return func(emit func(*Event)) {
				for range every {
					e.Subject, e.Arm = n, Control
					if r.Float64() < treatment {
						e.Arm = Treatment
					}
					n++
					emit(&e)
				}
			}
		},
	}
}

// Family is an experiment with many metrics and slices, none of which has an effect. Its error rate is divided over the whole's
// rows: half to the goals, half to the others.
func Family(name string, goals, metrics, slices, perArm, every int) Scenario {
	return Scenario{
		Name: name, Scale: moment.Scale{Num: scale}, Looks: perArm / every, Goals: goals, Metrics: metrics, Slices: slices, Correction: "bonferroni",
		Start: func(r *rand.Rand) func(func(*Event)) {
			e := Event{Nums: make([]int64, metrics)}
			n := 0
			return func(emit func(*Event)) {
				for i := range 2 * every {
					e.Subject, e.Arm, e.Slice = n, i&1, 1+r.IntN(slices)
					for m := range e.Nums {
						e.Nums[m] = fixed(1 + r.NormFloat64())
					}
					n++
					emit(&e)
				}
			}
		},
	}
}
