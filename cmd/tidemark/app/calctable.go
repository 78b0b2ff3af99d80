package app

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/tidemark/tidemark/stats/calc"
	"github.com/tidemark/tidemark/stream/results"
)

// calcTable prints an answer within 80 columns. Numbers have five significant digits: who needs all of them asks for JSON.
func calcTable(w io.Writer, a *calc.Answer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells ...string) { fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t")) }
	end := func() error {
		if err := t.Flush(); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w)
		return err
	}
	if a.Difference != nil {
		line("", "n", "value", "se")
		for _, arm := range []struct {
			name string
			*calc.Estimate
		}{{"control", a.Control}, {"treatment", a.Treatment}} {
			line(arm.name, results.FormatCount(arm.N), digits(arm.Value), digits(arm.SE))
		}
		if err := end(); err != nil {
			return err
		}
		line("", "value", "p", "interval")
		effect := func(name string, value, p, fixed *float64, always, one *[2]float64) {
			line(name, digits(value), digits(p), interval(always), "always-valid")
			line("", "", digits(fixed), interval(one), "one look at the end")
		}
		of := func(name string, d *calc.Difference, l *calc.Lift) {
			effect("difference"+name, d.Value, d.PAlways, d.P, d.IntervalAlways, d.Interval)
			effect("lift"+name, l.Value, d.PAlways, d.P, l.IntervalAlways, l.Interval)
		}
		of("", a.Difference, a.Lift)
		if c := a.CUPED; c != nil {
			of(", CUPED", &c.Difference, &c.Lift)
		}
		if err := end(); err != nil {
			return err
		}
		line("state", strings.Join(append([]string{results.StateText(a.State)}, reasonTexts(a.Reasons)...), "; "))
		line("z, Welch", fmt.Sprintf("z %s, df %s, p %s", digits(a.Difference.Z), digits(a.Welch.DF), digits(a.Welch.P)))
		if a.Tuning != nil {
			if se := a.Difference.SEAlways; se != nil {
				line("always-valid", "se "+digits(se)+" instead of "+digits(a.Difference.SE)+": arms of unequal size")
			}
			line("tuning", fmt.Sprintf("k %s, v* %s, τ² %s", digits(a.Difference.K), digits(a.Tuning.V), digits(a.Tuning.Tau2)))
		}
		if a.CUPED != nil {
			line("θ", digits(a.CUPED.Theta))
			if a.Tuning != nil && a.Tuning.VCUPED != nil {
				line("tuning, CUPED", fmt.Sprintf("k %s, v* %s", digits(a.CUPED.Difference.K), digits(a.Tuning.VCUPED)))
			}
		}
		if g := a.Guardrail; g != nil {
			line("guardrail", g.State)
			if n := g.NonInferiority; n != nil {
				line("within it", fmt.Sprintf("%s; always-valid p %s, at most %s beyond the limit", results.StateText(n.Verdict), digits(n.PAlways), digits(n.BoundAlways)))
			}
		}
		if err := end(); err != nil {
			return err
		}
	}
	if s := a.SRM; s != nil {
		line("split", fmt.Sprintf("%s; always-valid p %s; χ² %s, df %d, p %s for one look", s.State, digits(s.PSequential), digits(s.Chi2), s.DF, digits(s.P)))
		if err := end(); err != nil {
			return err
		}
	}
	if m := a.Multiplicity; m != nil {
		for _, c := range []struct {
			name string
			p    []float64
		}{{"Bonferroni", m.Bonferroni}, {"Holm", m.Holm}, {"BH", m.BH}} {
			if c.p != nil {
				line(c.name, list(c.p, func(p float64) string { return digits(&p) }))
			}
		}
		if m.EBH != nil {
			line("e-BH", list(m.EBHAdjusted, func(p float64) string { return digits(&p) }))
			line("e-BH rejects", list(m.EBH, strconv.FormatBool))
			if m.LogE != nil {
				line("", "by ln e "+list(m.LogE, func(e float64) string { return digits(&e) })+", calibrated from p")
			}
		}
		if err := end(); err != nil {
			return err
		}
	}
	if p := a.Power; p != nil {
		line("subjects needed", "k", "power", "least effect", "control", "treatment", "both")
		for _, plan := range []struct {
			name string
			calc.Plan
		}{{"one look at the end", p.Fixed}, {"always-valid", p.Sequential}} {
			line(plan.name, digits(&plan.K), digits(plan.Power), digits(plan.MDE), subjects(plan.N), subjects(plan.NTreatment), both(plan.N, plan.NTreatment))
		}
		return end()
	}
	return nil
}

func reasonTexts(reasons []string) (texts []string) {
	for _, r := range reasons {
		texts = append(texts, results.ReasonText(r))
	}
	return texts
}

// digits writes a number with up to five significant digits.
func digits(v *float64) string {
	if v == nil {
		return results.Missing
	}
	return strings.ReplaceAll(strconv.FormatFloat(*v, 'g', 5, 64), "-", "−")
}

func interval(i *[2]float64) string {
	if i == nil {
		return results.Missing
	}
	return digits(&i[0]) + " … " + digits(&i[1])
}

// both is the sum of two arms, each rounded up.
func both(control, treatment *float64) string {
	if control == nil || treatment == nil {
		return results.Missing
	}
	sum := math.Ceil(*control-1e-9) + math.Ceil(*treatment-1e-9)
	return subjects(&sum)
}

// subjects rounds up: a part of a subject is no subject.
func subjects(n *float64) string {
	if n == nil {
		return results.Missing
	}
	if *n > 1e15 {
		return digits(n)
	}
	return results.FormatCount(int64(math.Ceil(*n - 1e-9)))
}

func list[T any](of []T, text func(T) string) string {
	parts := make([]string, len(of))
	for i, v := range of {
		parts[i] = text(v)
	}
	return strings.Join(parts, ", ")
}
