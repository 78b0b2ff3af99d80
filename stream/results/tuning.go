package results

import (
	"time"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// The dated facts behind a row: the information at which its interval is tightest, and what its final look found.

// dated says that something of t depends on when somebody looked.
func (t *Tuning) dated() bool {
	return t != nil && (t.Set != nil || t.Final != nil && t.Final.Set != nil)
}

// asFact is what is kept of t: not what the definition fixes, nor what data that is taken as final says of itself.
func (t *Tuning) asFact() Tuning {
	f := *t
	if f.Set == nil {
		f.V, f.VCUPED, f.Tau2 = 0, 0, 0
	}
	return f
}

// fact returns what was set for a row before: by the facts given, or at an earlier look of was whose fact the caller has not
// stored yet. stored says that all of it was given. It is nil if nothing was set.
func (m *metric) fact(given Tuning, was *Row, whole bool) (fact *Tuning, stored bool) {
	if was != nil && was.fact != nil {
		// Nearly always nothing is new.
		if none := given == (Tuning{}); none && was.fact.dated() || !none && equalTuning(&given, was.fact) {
			return was.fact, !none
		}
	}
	if given.Definition != "" && given.Definition != m.hash {
		given = Tuning{} // of another metric
	}
	f := Tuning{}
	if !m.tau2 && (given.V > 0 || given.Tau2 > 0) {
		f = given
	}
	f.Final = nil
	if m.final && whole {
		f.Final, f.Definition = given.Final, given.Definition
	}
	stored = true
	if was != nil && was.Tuning.dated() {
		if t := was.Tuning; !m.tau2 && f.V == 0 && f.Tau2 == 0 && t.Set != nil {
			final := f.Final
			f, stored = *t, false
			f.Final = final
		}
		if final := was.Tuning.Final; m.final && whole && f.Final == nil && final != nil && final.Set != nil {
			f.Final, f.Definition, stored = final, m.hash, false
		}
	}
	if f.V == 0 && f.Tau2 == 0 && f.Final == nil {
		return nil, false
	}
	found := f
	return &found, stored
}

// tuning puts a row's tuning into its design and returns it; nil while there is none.
func (e *Evaluator) tuning(mt *metric, t, c *moment.Sums, q *quantiles, d *stats.Design, fact *Tuning, analyze bool, at time.Time) *Tuning {
	var tuning *Tuning
	switch {
	case mt.tau2:
		tuning = &Tuning{Tau2: d.Tuning.Tau2}
	case fact != nil && (fact.V > 0 || fact.Tau2 > 0):
		f := *fact
		tuning = &f
		d.Tuning, d.CUPEDTuning = stats.Tuning{V: f.V, Tau2: f.Tau2}, stats.Tuning{V: f.VCUPED, Tau2: f.Tau2}
	default:
		if q != nil {
			tuning = q.tune(e.x.Sequential.Subjects)
		} else {
			tuning = e.tune(t, c, *d)
		}
		if tuning != nil {
			d.Tuning, d.CUPEDTuning = stats.Tuning{V: tuning.V}, stats.Tuning{V: tuning.VCUPED}
			if tuning.own = analyze; !analyze {
				tuning.Set, tuning.Definition = &at, mt.hash
			}
		}
	}
	if fact != nil && fact.Final != nil {
		if tuning == nil {
			tuning = &Tuning{}
		}
		tuning.Final, tuning.Definition = fact.Final, mt.hash
	}
	return tuning
}

// tune returns the tuning that the row's own data gives, nil while the silence rule does not hold.
func (e *Evaluator) tune(t, c *moment.Sums, d stats.Design) *Tuning {
	subjects := e.x.Sequential.Subjects
	v, ok := stats.Tune(t, c, d.Scale, subjects)
	if !ok {
		return nil
	}
	tuning := &Tuning{V: v}
	if d.CUPED {
		if se := stats.CUPED(t, c, d).Difference.Cautious().SE; se.OK && se.V > 0 {
			tuning.VCUPED = stats.Intrinsic(t.N, c.N, se.V) * float64(subjects) / float64(t.N+c.N)
		}
	}
	return tuning
}
