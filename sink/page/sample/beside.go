package sample

import (
	"cmp"
	"math"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// beside fills in what stands beside a row's test: what it can see, the adjusted differences, the other question about a guardrail,
// and what the experiment says is special about the metric.
func (w *World) beside(e *experiment, u use, row *results.Row) {
	d := &row.Difference
	if row.Tuning != nil {
		k := (d.IntervalAlways[1] - d.IntervalAlways[0]) / 2 / *d.SE
		cv := *row.ByVariant[row.Control].Value
		if len(row.Slice) == 0 {
			always, fixed := (k+0.8416)**d.SE, (1.96+0.8416)**d.SE
			always2, fixed2 := always/cv, fixed/cv
			row.Power = &results.Power{MDE: &always, MDELift: &always2, MDEFixed: &fixed, MDEFixedLift: &fixed2}
			if e.mde > 0 {
				n := float64(row.ByVariant[row.Control].N + row.ByVariant[row.Variant].N)
				subjects := int64(n * math.Pow(always2/e.mde, 2))
				row.Power.Lift, row.Power.Subjects = &e.mde, &subjects
			}
			s, se := *d.Value*1.012, *d.SE*0.97
			z := s / se
			row.Stratified = &results.Difference{Value: &s, SE: &se, Z: &z, P: d.P, PAlways: d.PAlways, Interval: within(s, 1.96*se), IntervalAlways: within(s, k*se)}
			c, theta := &row.CUPED.Difference, 0.61
			lift, p := *c.Value/cv, math.Erfc(math.Abs(*c.Z)/math.Sqrt2)
			c.P, c.Interval, row.CUPED.Theta = &p, within(*c.Value, 1.96**c.SE), &theta
			d.SEAlways, c.SEAlways, row.Stratified.SEAlways = d.SE, c.SE, &se // as between arms of unequal size
			row.CUPED.Lift = &results.Lift{Value: &lift, Interval: within(lift, 1.96**c.SE/cv), IntervalAlways: within(lift, k**c.SE/cv), Method: "delta"}
		} else {
			q := math.Min(1, *d.PAlways*4)
			row.Q = &q
		}
		if e.finalLook && len(row.Slice) == 0 && row.Guardrail == nil {
			row.AlphaAlways = 0.05 / 2
			at := Now.Add(e.end)
			row.Tuning.Final = &results.Final{Set: &at, Value: d.Value, P: d.P, Interval: within(*d.Value, 2.2414**d.SE), Rejected: *d.P <= 0.025}
			if row.State == "not_clear" && row.Tuning.Final.Rejected {
				row.State, row.Reasons = "better", append(row.Reasons, results.ReasonFinalLook)
			}
		}
		if g := row.Guardrail; g != nil {
			bound := *d.Value - g.Limit*cv
			fixed, always := bound+1.645**d.SE, bound+(k-0.3)**d.SE
			z := bound / *d.SE
			p := math.Erfc(-z/math.Sqrt2) / 2
			pa := math.Min(1, p*20)
			g.NonInferiority = &results.NonInferiority{Verdict: "not_shown", Z: &z, P: &p, PAlways: &pa, Bound: &fixed, BoundAlways: &always}
			if always < 0 {
				g.NonInferiority.Verdict = "shown"
			}
		}
	}
	if special := e.rows[u.metric]; special != nil && len(row.Slice) == 0 {
		special(row)
	}
}

// correct gives the rows of the whole their corrected p, and with Bonferroni their share of the error rate: half of it is the
// goals'.
func correct(e *experiment, r *results.Result) {
	if e.correction == "" {
		return
	}
	r.Correction = e.correction
	kinds := map[bool][]*results.Row{}
	for i := range r.Rows {
		if row := &r.Rows[i]; len(row.Slice) == 0 {
			kinds[row.Role == string(catalog.Goal)] = append(kinds[row.Role == string(catalog.Goal)], row)
		}
	}
	for _, rows := range kinds {
		p := func(row *results.Row) float64 {
			if row.Difference.PAlways == nil {
				return 1
			}
			return *row.Difference.PAlways
		}
		slices.SortStableFunc(rows, func(a, b *results.Row) int { return cmp.Compare(p(a), p(b)) })
		run := 0.0
		for i, row := range rows {
			m := len(rows)
			if e.correction == "bonferroni" {
				row.Alpha = r.Alpha / 2 / float64(m)
			} else {
				m -= i
			}
			if run = math.Max(run, math.Min(1, 2*float64(m)*p(row))); row.Difference.PAlways != nil {
				adjusted := run
				row.PAdjusted = &adjusted
			}
		}
	}
}

func within(v, half float64) results.Interval { return &[2]float64{v - half, v + half} }
