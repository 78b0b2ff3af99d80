package app

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/tidemark/tidemark/stats/calc"
	"github.com/tidemark/tidemark/stats/simulate"
	"github.com/tidemark/tidemark/stream/results"
)

// freeScenario is an experiment of one's own.
type freeScenario struct {
	distribution    string
	effect, alpha   float64
	subjects, every int
	planned         int64
	rules           []string
}

// value reads --distribution.
func (s *freeScenario) value() (simulate.Value, error) {
	name, argument, has := strings.Cut(s.distribution, ":")
	x := 0.0
	if has {
		var err error
		if x, err = strconv.ParseFloat(argument, 64); err != nil || !(x > 0) || math.IsInf(x, 0) {
			return nil, usage("--distribution %s: %q must be a number above 0", s.distribution, argument)
		}
	}
	share := func(v simulate.Value) (simulate.Value, error) {
		if !(x > 0 && x <= 1) {
			return nil, usage("--distribution %s: want a share, as %s:.05", s.distribution, name)
		}
		return v, nil
	}
	switch name {
	case "normal":
		if !has {
			x = 1
		}
		if x > 1e6 {
			return nil, usage("--distribution %s: want a standard deviation of at most 1000000: values have six decimals and 64 bits", s.distribution)
		}
		return simulate.Normal(1, x), nil
	case "bernoulli":
		return share(simulate.Bernoulli(x))
	case "lognormal":
		if !has {
			x = 2
		}
		if x > 3.5 {
			return nil, usage("--distribution %s: want a sigma of at most 3.5: beyond it a drawn value can leave 64 bits", s.distribution)
		}
		return simulate.Lognormal(0, x), nil
	case "buyers":
		return share(simulate.Buyers(x, 3, 1))
	case "heavy":
		if has {
			return nil, usage("--distribution %s: heavy takes no number", s.distribution)
		}
		return simulate.Heavy(), nil
	}
	return nil, usage("--distribution %s: want normal, bernoulli:P, lognormal:SIGMA, buyers:P or heavy", s.distribution)
}

// scenario makes it, and the rules that look at it.
func (s *freeScenario) scenario() (simulate.Scenario, []simulate.Rule, error) {
	draw, err := s.value()
	if err != nil {
		return simulate.Scenario{}, nil, err
	}
	switch {
	case s.subjects > mostPairs:
		return simulate.Scenario{}, nil, usage("--subjects %d: want at most %d an arm", s.subjects, mostPairs)
	case !(math.Abs(s.effect) <= 1e6):
		return simulate.Scenario{}, nil, usage("--effect %v: want a difference between -1000000 and 1000000", s.effect)
	case s.subjects < 2 || s.every < 1 || s.every > s.subjects:
		return simulate.Scenario{}, nil, usage("--subjects %d, --every %d: want a look after 1 to all of at least 2 subjects an arm", s.subjects, s.every)
	case !(s.alpha >= calc.MinAlpha && s.alpha < 1):
		return simulate.Scenario{}, nil, usage("--alpha %v: must lie between %v and 1", s.alpha, calc.MinAlpha)
	case s.planned < 0 || s.planned > calc.MaxSubjects:
		return simulate.Scenario{}, nil, usage("--planned %d: want a number of subjects", s.planned)
	}
	out := simulate.Pairs(s.distribution, draw, s.effect, s.subjects, s.every)
	out.Alpha, out.Planned = s.alpha, s.planned
	planned := int64(10000)
	if s.planned > 0 {
		planned = s.planned
	}
	all := []struct {
		name string
		rule simulate.Rule
	}{
		{"always", simulate.Adopted(s.alpha)}, {"fixed", simulate.Fixed(s.alpha)}, {"peeking", simulate.Peeking(s.alpha, 100)},
		{"count", simulate.ByCount(s.alpha, planned, 100)}, {"student", simulate.Student(s.alpha, planned, 0)},
	}
	var rules []simulate.Rule
	for _, r := range all {
		if len(s.rules) == 0 || slices.Contains(s.rules, r.name) {
			rules = append(rules, r.rule)
		}
	}
	for _, name := range s.rules {
		if !slices.ContainsFunc(all, func(r struct {
			name string
			rule simulate.Rule
		}) bool {
			return r.name == name
		}) {
			return out, nil, usage("--rule %s: want always, fixed, peeking, count or student", name)
		}
	}
	return out, rules, nil
}

func (f *simulateFlags) runFree(ctx context.Context, t terminal) error {
	scenario, rules, err := f.free.scenario()
	if err != nil {
		return err
	}
	o := f.options(1000, 300)
	finish := f.progress(t.err, scenario.Name, &o)
	report, err := simulate.Run(ctx, scenario, rules, o)
	finish()
	if err != nil {
		return err
	}
	found := &simulated{Command: "tidemark simulate --distribution " + f.free.distribution, Seed: f.seed, Reports: []drawn{{Report: report}}}
	if err := f.keep(found); err != nil {
		return err
	}
	if f.output == "json" {
		return writeIndented(t.out, found)
	}
	what := "false positives"
	if report.Effect != 0 {
		what = "power"
	}
	fmt.Fprintf(t.out, "%s, effect %s: %s runs of %s looks, seed %d\n\n", report.Scenario, digits(&report.Effect), results.FormatCount(int64(report.Runs)), results.FormatCount(int64(report.Looks)), report.Seed)
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "rule\t%s\ttruth left out\tmedian stop\n", what)
	for _, one := range report.Outcomes {
		stop := results.Missing
		if one.MedianStop > 0 {
			stop = results.FormatCount(one.MedianStop)
		}
		fmt.Fprintf(w, "%s\t%.4f ± %.4f\t%.4f ± %.4f\t%s\n", one.Rule, one.Rejected.Value, one.Rejected.SE, one.Missed.Value, one.Missed.SE, stop)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	engine(t.out, found.Reports)
	if report.First != "" {
		fmt.Fprintf(t.out, "first inequality: %s\n", report.First)
		return findings(exitFailure)
	}
	return nil
}
