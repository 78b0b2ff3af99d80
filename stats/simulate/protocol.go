package simulate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark/tidemark/stats/moment"
)

// Row is a row of the protocol by which the statistics are judged.
type Row struct {
	ID, Title string
	// Verified, if set, is the whole row: a comparison of formulas that draws nothing. It returns the largest relative deviation.
	Verified func() (cases int, deviation float64)
}

// Case is a scenario with its rules, and what rows ask of them. Rows may share one: the draws are the same.
type Case struct {
	Scenario Scenario
	Rules    []Rule
	// Runs of the protocol, and with an engine.
	Runs, EngineRuns int
	Checks           []Check
}

// Kind of a check.
type Kind int

const (
	AtMost Kind = iota
	AtLeast
	Within
)

// Check is what a row asks of a rule.
type Check struct {
	Row, Rule string
	// Measure is rejected, missed, median_stop, p99_stop or observed.
	Measure string
	Kind    Kind
	Want    float64
	// Tolerance is to a side, at the case's own number of runs; fewer runs have three standard errors more.
	Tolerance float64
	// Most, if set, is what Value may not be above whatever Want and Tolerance say.
	Most float64
	// MustFail marks a negative control: what is asked for is that it errs.
	MustFail bool
	// Works is what a rule that works may show at the case's own number of runs. A control shows nothing unless its bound is beyond that.
	Works float64
}

// Result is a check with what came of it.
type Result struct {
	Row      string  `json:"row"`
	Scenario string  `json:"scenario"`
	Rule     string  `json:"rule"`
	Measure  string  `json:"measure"`
	Runs     int     `json:"runs"`
	Value    float64 `json:"value"`
	SE       float64 `json:"se"`
	// Low and High are what Value must lie between; null where there is no bound.
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`

	MustFail bool `json:"must_fail,omitempty"`
	// TooFewRuns: a negative control whose bound, at this number of runs, a rule that works would pass too. It is neither right nor wrong.
	TooFewRuns bool `json:"too_few_runs,omitempty"`
	// OK is null where there are too few runs to tell. An engine that decides otherwise makes it false all the same.
	OK *bool `json:"ok"`
	// Engine is the parity of the rule's decisions; nil where none went through an engine. Equal also needs equal numbers.
	Engine *Parity `json:"engine,omitempty"`
	Equal  *bool   `json:"equal,omitempty"`
}

// String of a bound: at most, at least, or between.
func (r *Result) String() string {
	f := func(v *float64) string { return strconv.FormatFloat(*v, 'g', 4, 64) }
	switch {
	case r.Low == nil:
		return "≤ " + f(r.High)
	case r.High == nil:
		return "≥ " + f(r.Low)
	}
	return f(r.Low) + " to " + f(r.High)
}

// Judge holds a report against a case's checks.
func (c *Case) Judge(r Report) []Result {
	var out []Result
	for _, k := range c.Checks {
		i := slices.IndexFunc(r.Outcomes, func(o Outcome) bool { return o.Rule == k.Rule })
		if i < 0 {
			continue
		}
		o := &r.Outcomes[i]
		res := Result{Row: k.Row, Scenario: r.Scenario, Rule: k.Rule, Measure: k.Measure, Runs: r.Runs, Engine: o.Engine}
		share := Share{}
		switch k.Measure {
		case "rejected":
			share = o.Rejected
		case "missed":
			share = o.Missed
		case "median_stop":
			share.Value = float64(o.MedianStop)
		case "p99_stop":
			share.Value = float64(o.P99Stop)
		case "observed":
			share.Value = *r.Observed
		}
		res.Value, res.SE = share.Value, share.SE
		if o.Engine != nil {
			equal := o.Engine.Unequal == 0 && r.UnequalNumbers == 0
			res.Equal = &equal
		}
		c.hold(k, &res)
		out = append(out, res)
	}
	return out
}

// hold gives a figure its bounds, and says whether it is within them.
func (c *Case) hold(k Check, r *Result) {
	more := k.more(k.Want, r.Runs, c.Runs)
	low, high := max(0, k.Want-k.Tolerance-more), k.Want+k.Tolerance+more
	if k.Most > 0 {
		high = min(high, k.Most+more)
	}
	r.Low, r.High = nil, nil
	if k.Kind != AtMost {
		r.Low = &low
	}
	if k.Kind != AtLeast {
		r.High = &high
	}
	ok := (r.Low == nil || r.Value >= low) && (r.High == nil || r.Value <= high)
	r.MustFail, r.TooFewRuns = k.MustFail, false
	if k.MustFail {
		works := k.more(k.Works, r.Runs, c.Runs)
		r.TooFewRuns = k.Kind == AtMost && high >= k.Works-works || k.Kind != AtMost && low <= k.Works+works
	}
	switch {
	case r.Equal != nil && !*r.Equal:
		ok = false
	case r.TooFewRuns:
		r.OK = nil
		return
	}
	r.OK = &ok
}

// more is by how much fewer runs than the protocol's widen a bound.
func (k *Check) more(want float64, runs, protocol int) float64 {
	switch {
	case runs >= protocol:
		return 0
	case k.Measure == "rejected" || k.Measure == "missed":
		p := min(max(want, .5/float64(runs)), 1-.5/float64(runs))
		return 3 * math.Sqrt(p*(1-p)/float64(runs))
	case strings.HasSuffix(k.Measure, "_stop"):
		// Few runs say little about a quantile: three standard errors of an exponential's median, but no less than itself.
		return want * max(1, 3/(math.Ln2*math.Sqrt(float64(runs))))
	}
	return 0
}

// Again holds a result of before, of which nothing but the figures are kept, against what the protocol asks now; false says that it asks
// for no such figure any more.
func Again(r *Result) bool {
	cases := Protocol()
	for i := range cases {
		c := &cases[i]
		if c.Scenario.Name != r.Scenario {
			continue
		}
		for _, k := range c.Checks {
			if k.Row == r.Row && k.Rule == r.Rule && k.Measure == r.Measure {
				c.hold(k, r)
				return true
			}
		}
	}
	return false
}

// Failed says that the figure is outside of what is asked, or that the engine decides otherwise.
func (r *Result) Failed() bool { return r.OK != nil && !*r.OK }

// Only returns the cases with what the given rows ask, all if none is given.
func Only(cases []Case, rows ...string) []Case {
	var out []Case
	for _, c := range cases {
		c.Checks = slices.DeleteFunc(slices.Clone(c.Checks), func(k Check) bool { return len(rows) > 0 && !slices.Contains(rows, k.Row) })
		c.Rules = slices.DeleteFunc(slices.Clone(c.Rules), func(r Rule) bool {
			return !slices.ContainsFunc(c.Checks, func(k Check) bool { return k.Rule == r.Name })
		})
		if len(c.Rules) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// Run runs a case and judges it. Runs of 0 are the protocol's own.
func (c *Case) Run(ctx context.Context, o Options) (Report, []Result, error) {
	if o.Runs == 0 {
		o.Runs = c.Runs
	}
	if o.Open != nil {
		if o.EngineRuns == 0 {
			o.EngineRuns = c.EngineRuns
		}
		o.Runs = max(o.Runs, o.EngineRuns)
	}
	r, err := Run(ctx, c.Scenario, c.Rules, o)
	if err != nil {
		return r, nil, fmt.Errorf("simulate: %s: %w", c.Scenario.Name, err)
	}
	return r, c.Judge(r), nil
}

// sumsText writes sums as they are published.
func sumsText(s *moment.Sums, sc moment.Scale) string {
	return SumsText(s.N, s.Num.Decimal(sc.Num), s.Den.Decimal(sc.Den), s.Num2.Decimal(2*sc.Num), s.Den2.Decimal(2*sc.Den), s.NumDen.Decimal(sc.Num+sc.Den))
}

// SumsText joins the published sums of an arm: sum_num, sum_den, sum_num2, sum_den2, sum_numden.
func SumsText(n int64, sums ...string) string {
	return fmt.Sprintf("%d: %s", n, strings.Join(sums, " "))
}
