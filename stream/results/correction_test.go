package results

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// family fills an experiment of two treatments with goals g0 … and guardrails, whose effects differ.
func family(t *testing.T, goals, guardrails int, correction catalog.Correction) *lab {
	t.Helper()
	l := newLab("control", "a", "b")
	l.x().Correction = correction
	for i := range goals {
		l.metric(goal(fmt.Sprint("g", i)), 0, -1)
	}
	for i := range guardrails {
		l.metric(catalog.MetricUse{Metric: &catalog.Metric{ID: fmt.Sprint("h", i), Direction: catalog.Down}, Role: catalog.Guardrail, Limit: &catalog.Limit{Value: 0.05, Relative: true}}, 0, -1)
	}
	for i := range 12000 {
		v, j := i%3, i/3
		points := make([]moment.Point, goals+guardrails)
		for m := range points {
			// So many standard errors more in one of the arms.
			ones := 1200
			if v == m%2 {
				ones += int(41 * []float64{3.4, 6, 2, 3.3, 5.5}[m])
			}
			points[m] = mean(0)
			if j*(7919+2*m)%4000 < ones {
				points[m] = mean(1)
			}
		}
		l.subject(v, moment.Slice{}, points...)
	}
	return l
}

// wholes are the rows of the whole, goals first.
func wholes(r *Result) []*Row {
	var list []*Row
	for i := range r.Rows {
		if len(r.Rows[i].Slice) == 0 {
			list = append(list, &r.Rows[i])
		}
	}
	return list
}

// Without a correction nothing is different from what it was: the numbers are those of stats at the experiment's alpha.
func TestNoCorrectionChangesNothing(t *testing.T) {
	l := family(t, 2, 1, catalog.NoCorrection)
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	cells := l.cells().Whole()
	for _, row := range wholes(r) {
		m := slices.IndexFunc(l.x().Metrics, func(m catalog.PlanMetric) bool { return m.Metric.ID == row.Metric })
		v := slices.IndexFunc(l.x().Variants, func(v catalog.Variant) bool { return v.ID == row.Variant })
		d := stats.Design{Alpha: 0.05, Direction: stats.Direction(row.Direction), Tuning: stats.Tuning{V: row.Tuning.V}}
		c := stats.Compare(cells[v].Metric(m), cells[l.x().Control].Metric(m), d)
		if *row.Difference.PAlways != c.Difference.Always.P.V || *row.Difference.IntervalAlways != *c.Difference.Always.Interval.Ptr() || row.State != string(c.State) {
			t.Errorf("%s: %v %v %s, stats says %+v %s", row.Key(), *row.Difference.PAlways, *row.Difference.IntervalAlways, row.State, c.Difference.Always, c.State)
		}
		if row.PAdjusted != nil || row.Alpha != 0 || row.Q != nil {
			t.Errorf("%s has a correction: %v %v", row.Key(), row.PAdjusted, row.Alpha)
		}
	}
	if r.Correction != "" {
		t.Errorf("correction %q", r.Correction)
	}
}

// Every row has its share, goals first; its always-valid numbers are at the share, the fixed-horizon interval at the experiment's alpha.
func TestBonferroniDividesAlpha(t *testing.T) {
	plain := family(t, 2, 3, catalog.NoCorrection)
	l := family(t, 2, 3, catalog.Bonferroni)
	without := wholes(Evaluate(plain.plan, 0, plain.cells(), Inputs{AsOf: noon}, Slices{}))
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	cells := l.cells().Whole()
	total, corrected, clear := 0.0, 0, 0
	for i, row := range wholes(r) {
		share := 0.05 / 2 / 4 // two goals, two treatments
		if row.Role == "guardrail" {
			share = 0.05 / 2 / 6
		}
		total += row.Alpha
		if math.Abs(row.Alpha-share) > 1e-16 {
			t.Errorf("%s has the share %v, want %v", row.Key(), row.Alpha, share)
		}
		m := slices.IndexFunc(l.x().Metrics, func(m catalog.PlanMetric) bool { return m.Metric.ID == row.Metric })
		v := slices.IndexFunc(l.x().Variants, func(v catalog.Variant) bool { return v.ID == row.Variant })
		c := stats.Compare(cells[v].Metric(m), cells[l.x().Control].Metric(m), stats.Design{Alpha: share, Direction: stats.Direction(row.Direction), Tuning: stats.Tuning{V: row.Tuning.V}, Limit: limitOf(row)})
		if *row.Difference.IntervalAlways != *c.Difference.Always.Interval.Ptr() || row.State != string(c.State) {
			t.Errorf("%s: %v %s, at its share %v %s", row.Key(), *row.Difference.IntervalAlways, row.State, c.Difference.Always, c.State)
		}
		if row.Guardrail != nil && row.Guardrail.State != string(c.Guardrail) {
			t.Errorf("%s: guardrail %s, at its share %s", row.Key(), row.Guardrail.State, c.Guardrail)
		}
		if want := math.Min(1, c.Difference.Always.P.V*0.05/share); math.Abs(*row.PAdjusted-want) > 1e-15 {
			t.Errorf("%s: corrected p %v, want %v", row.Key(), *row.PAdjusted, want)
		}
		was := without[i]
		if *row.Difference.Interval != *was.Difference.Interval || *row.Difference.P != *was.Difference.P {
			t.Errorf("%s: the fixed-horizon test moved", row.Key())
		}
		said := row.State == "better" || row.State == "worse"
		if said != (*row.PAdjusted <= 0.05) {
			t.Errorf("%s is %s with a corrected p of %v", row.Key(), row.State, *row.PAdjusted)
		}
		if lost := row.State != was.State; lost != slices.Contains(row.Reasons, ReasonCorrected) {
			t.Errorf("%s was %s, is %s, reasons %v", row.Key(), was.State, row.State, row.Reasons)
		} else if lost {
			corrected++
		}
		if said {
			clear++
		}
	}
	if math.Abs(total-0.05) > 1e-12 || r.Correction != "bonferroni" {
		t.Errorf("the shares add up to %v", total)
	}
	if corrected == 0 || clear == 0 {
		t.Errorf("%d rows lost their word, %d kept it: the data shows too little", corrected, clear)
	}
	// One kind alone has all of alpha; one row alone has nothing to share.
	for _, c := range []struct{ goals, guardrails int }{{3, 0}, {0, 2}} {
		l := family(t, c.goals, c.guardrails, catalog.Bonferroni)
		if row := wholes(Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}))[0]; math.Abs(row.Alpha-0.05/2/float64(c.goals+c.guardrails)) > 1e-16 {
			t.Errorf("%d goals, %d guardrails: %v", c.goals, c.guardrails, row.Alpha)
		}
	}
	one := newLab().metric(goal("m"), 0, -1)
	one.x().Correction = catalog.Bonferroni
	for i := range 400 {
		one.subject(i%2, moment.Slice{}, mean(int64(i/2%2)))
	}
	if row := &Evaluate(one.plan, 0, one.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0]; row.Alpha != 0 || *row.PAdjusted != *row.Difference.PAlways {
		t.Errorf("one row: share %v, p %v of %v", row.Alpha, *row.PAdjusted, *row.Difference.PAlways)
	}
}

func limitOf(row *Row) *stats.Limit {
	if row.Guardrail == nil {
		return nil
	}
	return &stats.Limit{Value: row.Guardrail.Limit, Relative: true}
}

// By hand, from the rows' own p and e: Holm within each kind at half of alpha, BH and e-BH over all of them.
func TestCorrectionsOfTheFamily(t *testing.T) {
	plain := family(t, 2, 3, catalog.NoCorrection)
	without := wholes(Evaluate(plain.plan, 0, plain.cells(), Inputs{AsOf: noon}, Slices{}))
	const goals = 4
	p, e := make([]float64, len(without)), make([]float64, len(without))
	for i, row := range without {
		p[i], e[i] = *row.Difference.PAlways, math.Exp(row.e.V)
	}
	rank := func(of []float64, i int, less func(a, b float64) bool) (k int) { // 1 for the first
		for j := range of {
			if less(of[j], of[i]) || of[j] == of[i] && j <= i {
				k++
			}
		}
		return k
	}
	smaller, larger := func(a, b float64) bool { return a < b }, func(a, b float64) bool { return a > b }
	holm := func(p []float64, i int) (q float64) {
		for j := range p {
			if rank(p, j, smaller) <= rank(p, i, smaller) {
				q = max(q, 2*float64(len(p)-rank(p, j, smaller)+1)*p[j]) // twice: half of alpha is for the other kind
			}
		}
		return min(1, q)
	}
	want := map[catalog.Correction]func(i int) float64{
		catalog.Holm: func(i int) float64 {
			if i < goals {
				return holm(p[:goals], i)
			}
			return holm(p[goals:], i-goals)
		},
		catalog.BH: func(i int) float64 {
			q := 1.0
			for j := range p {
				if rank(p, j, smaller) >= rank(p, i, smaller) {
					q = min(q, float64(len(p))*p[j]/float64(rank(p, j, smaller)))
				}
			}
			return q
		},
		catalog.EBH: func(i int) float64 {
			q := 1.0
			for j := range e {
				if rank(e, j, larger) >= rank(e, i, larger) {
					q = min(q, float64(len(e))/(float64(rank(e, j, larger))*e[j]))
				}
			}
			return q
		},
	}
	for correction, f := range want {
		l := family(t, 2, 3, correction)
		lost, clear := 0, 0
		for i, row := range wholes(Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})) {
			was := without[i]
			if q := f(i); math.Abs(*row.PAdjusted-q) > 1e-12*q {
				t.Errorf("%s, %s: corrected p %v, want %v", correction, row.Key(), *row.PAdjusted, q)
			}
			state := was.State
			if *row.PAdjusted > 0.05 && state != "not_clear" {
				state = "not_clear"
				lost++
			} else if state != "not_clear" {
				clear++
			}
			if row.State != state || slices.Contains(row.Reasons, ReasonCorrected) != (state != was.State) {
				t.Errorf("%s, %s: %s %v, want %s", correction, row.Key(), row.State, row.Reasons, state)
			}
			if !equalDifference(&row.Difference, &was.Difference) || row.Alpha != 0 || row.Guardrail != nil && row.Guardrail.State != was.Guardrail.State {
				t.Errorf("%s, %s: the row's own numbers changed", correction, row.Key())
			}
		}
		if lost == 0 || clear == 0 {
			t.Errorf("%s: %d lost, %d kept: the data shows too little", correction, lost, clear)
		}
	}
}

// Rows that can't be tested yet take part, and have no corrected p themselves.
func TestCollectingRowsTakePartInTheFamily(t *testing.T) {
	l := newLab().metric(goal("m"), 0, -1).metric(goal("rare"), 0, -1)
	l.x().Correction = catalog.EBH
	rng := rand.New(rand.NewPCG(5, 8))
	for i := range 4000 {
		p := 0.2 + 0.1*float64(i%2)
		x := int64(0)
		if rng.Float64() < p {
			x = 1
		}
		l.subject(i%2, moment.Slice{}, mean(x), mean(0))
	}
	rows := wholes(Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}))
	if rows[0].State != "better" || math.Abs(*rows[0].PAdjusted-2*math.Exp(-rows[0].e.V)) > 1e-12 {
		t.Errorf("%s, corrected p %v of e %v", rows[0].State, *rows[0].PAdjusted, math.Exp(rows[0].e.V))
	}
	if rows[1].State != "collecting" || rows[1].PAdjusted != nil {
		t.Errorf("%s, corrected p %v", rows[1].State, rows[1].PAdjusted)
	}
}

// The slices of one grouping, metric and treatment are a family of their own; their states stay as they are.
func TestSlicesStandOutByTheirOwnFamily(t *testing.T) {
	l := newLab().dimension(catalog.ExposureDimension, "x", "y").metric(goal("m"), 0, -1).metric(goal("n"), 0, -1)
	rng := rand.New(rand.NewPCG(6, 1))
	for i := range 9000 {
		x := rng.IntN(5)
		p := 0.3
		if x == 0 {
			p += 0.15 * float64(i%2)
		}
		one := func(p float64) moment.Point {
			if rng.Float64() < p {
				return mean(1)
			}
			return mean(0)
		}
		y := "few"
		if i >= 60 {
			y = fmt.Sprint("y", rng.IntN(2))
		}
		l.subject(i%2, l.slice(fmt.Sprint("x", x), y), one(p), one(0.3))
	}
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	logE := map[string][]float64{}
	for i := range r.Rows {
		row := &r.Rows[i]
		for d := range row.Slice {
			logE[row.Metric+d] = append(logE[row.Metric+d], row.e.V)
		}
	}
	if n := len(logE["mx"]); n != 5 || len(logE["my"]) != 3 {
		t.Fatalf("families of %d and %d", n, len(logE["my"]))
	}
	next := map[string]int{}
	stands := 0
	for i := range r.Rows {
		row := &r.Rows[i]
		if len(row.Slice) == 0 {
			if row.Q != nil {
				t.Errorf("%s has q", row.Key())
			}
			continue
		}
		for d := range row.Slice {
			q := stats.EBenjaminiHochbergP(logE[row.Metric+d])[next[row.Metric+d]]
			next[row.Metric+d]++
			if row.Slice[d] == "few" {
				if row.Q != nil || row.State != "collecting" {
					t.Errorf("%s: %s, q %v", row.Key(), row.State, row.Q)
				}
			} else if row.Q == nil || *row.Q != q {
				t.Errorf("%s: q %v, want %v", row.Key(), row.Q, q)
			} else if q <= 0.05 {
				stands++
			}
		}
	}
	if stands != 1 {
		t.Errorf("%d slices stand out, want that of x0", stands)
	}
}
