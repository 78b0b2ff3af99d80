package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/calc"
	"github.com/tidemark/tidemark/stream/results"
)

// underway is what a row of a running experiment can show.
type underway struct {
	Experiment string `json:"experiment"`
	Metric     string `json:"metric"`
	Variant    string `json:"variant"`
	// Alpha is the row's level: a share of the experiment's where a correction divides it. AlphaFixed is that of one look, where it is
	// another: the experiment's, as in the row itself.
	Alpha      float64 `json:"alpha"`
	AlphaFixed float64 `json:"alpha_fixed,omitempty"`
	Power      float64 `json:"power"`
	// Value and SD are the control's, SD that of one subject's (linearised) value, found back from the standard error.
	Value float64 `json:"value"`
	SD    float64 `json:"sd"`
	// Now is the row as it is, End the same at --subjects. Their subjects are those of the row's two arms.
	Now sized  `json:"now"`
	End *sized `json:"end,omitempty"`
	// Effects are those asked for: how many more subjects, in the row's two arms, each needs.
	Effects []more `json:"effects,omitempty"`
}

type more struct {
	Effect     float64   `json:"effect"`
	Relative   bool      `json:"relative"`
	Fixed      moreOfOne `json:"fixed"`
	Sequential moreOfOne `json:"sequential"`
}

// moreOfOne is what one test needs beyond what is there; 0 if it is enough.
type moreOfOne struct {
	K    float64  `json:"k"` // at the size that is enough
	More int64    `json:"more"`
	Days *float64 `json:"days,omitempty"`
}

// readResults reads what `tidemark results -o json` prints: one result or a list of them.
func readResults(ctx context.Context, in io.Reader, from string) (list []*results.Result, err error) {
	var text []byte
	switch {
	case from == "-":
		text, err = io.ReadAll(in)
	case strings.HasPrefix(from, "http://"), strings.HasPrefix(from, "https://"):
		var body io.ReadCloser
		if body, err = get(ctx, from); err == nil {
			text, err = io.ReadAll(body)
			body.Close()
		}
	default:
		text, err = os.ReadFile(from)
	}
	if err != nil {
		return nil, err
	}
	one := new(results.Result)
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		err = json.Unmarshal(text, &list)
	} else if err = json.Unmarshal(text, one); err == nil {
		list = []*results.Result{one}
	}
	if err != nil {
		return nil, fmt.Errorf("--from %s: %w; it must be what 'tidemark results -o json' or 'tidemark analyze -o json' prints", from, err)
	}
	return list, nil
}

// during answers for every whole row that was asked for.
func (f *powerFlags) during(list []*results.Result) ([]underway, error) {
	var out []underway
	seen := map[string]bool{}
	for _, r := range list {
		for i := range r.Rows {
			row := &r.Rows[i]
			seen[row.Metric] = true
			if len(row.Slice) > 0 || f.metric != "" && row.Metric != f.metric || f.variant != "" && row.Variant != f.variant {
				continue
			}
			u, ok, err := f.row(r, row)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, u)
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("--from %s has %w: no whole row of metric %q, variant %q with a standard error in both arms; there are the metrics %s",
			f.from, errNoRow, f.metric, f.variant, strings.Join(slices.Sorted(maps.Keys(seen)), ", "))
	}
	return out, nil
}

// row plans on with one row. Variances per subject are taken to stay, and the arms' shares; then standard errors go down as 1/√n
// and the intrinsic time goes up as n (stats.Needed). The control's value stays too, so that a lift has one size. What the row is now is
// said with its own numbers: the error and the width of its always-valid interval, which know of unequal arms, of half a level kept for
// a final look, and of the mixture.
func (f *powerFlags) row(r *results.Result, row *results.Row) (u underway, ok bool, err error) {
	c, t := row.ByVariant[row.Control], row.ByVariant[row.Variant]
	if c.SE == nil || t.SE == nil || c.Value == nil || *c.SE**c.SE+*t.SE**t.SE == 0 {
		return u, false, nil
	}
	alpha := r.Alpha
	if row.Alpha > 0 {
		alpha = row.Alpha
	}
	u = underway{Experiment: r.Experiment, Metric: row.Metric, Variant: row.Variant, Alpha: alpha, Power: f.power, Value: *c.Value, SD: *c.SE * math.Sqrt(float64(c.N))}
	if alpha != r.Alpha {
		u.AlphaFixed = r.Alpha
	}
	n, se := float64(c.N+t.N), math.Hypot(*c.SE, *t.SE)
	seAlways := se
	if row.Difference.SEAlways != nil {
		seAlways = *row.Difference.SEAlways
	}
	z := stats.NormalUpper(r.Alpha / 2)
	outlook := stats.Needed{NT: t.N, NC: c.N, SE: seAlways, Alpha: row.IntervalAlpha(alpha)}
	if row.Tuning != nil && (row.Tuning.V > 0 || row.Tuning.Tau2 > 0) {
		outlook.Tuning = stats.Tuning{V: row.Tuning.V, Tau2: row.Tuning.Tau2}
	} else { // not tuned yet: as it will be with the size asked for, or the default
		planned := 10000.0
		if f.tuned > 0 {
			planned = float64(f.tuned)
		}
		outlook.Tuning.V = stats.Intrinsic(t.N, c.N, seAlways) * planned / n
	}
	k := outlook.K(1)
	if i := row.Difference.IntervalAlways; i != nil {
		k = (i[1] - i[0]) / 2 / seAlways
	}
	if row.AlphaAlways > 0 && (row.Tuning == nil || row.Tuning.Final == nil) {
		outlook.Alpha, outlook.FinalLook = alpha, true // the last look of a larger size is the one at the planned end
	}
	sizes := func(times, k float64) (s sized, err error) {
		s.Subjects = int64(math.Round(n * times))
		fixed, err := stats.MDE(se/math.Sqrt(times), z, f.power)
		if err != nil {
			return s, err
		}
		always, err := stats.MDE(seAlways/math.Sqrt(times), k, f.power)
		if err != nil {
			return s, err
		}
		s.Fixed, s.Sequential = reachOf(z, &fixed, *c.Value), reachOf(k, &always, *c.Value)
		return s, nil
	}
	if u.Now, err = sizes(1, k); err != nil {
		return u, false, err
	}
	if f.subjects > 0 {
		// --subjects counts all variants; this row has its part of them.
		all := int64(0)
		for _, k := range r.Subjects {
			all += k
		}
		if all == 0 {
			all = c.N + t.N
		}
		times := float64(f.subjects) / float64(all)
		end, err := sizes(times, outlook.K(times))
		if err != nil {
			return u, false, err
		}
		end.Days = f.days(float64(f.subjects - all))
		u.End = &end
	}
	for _, text := range f.effects {
		m := more{}
		if m.Effect, m.Relative, err = effectOf(text); err != nil {
			return u, false, err
		}
		effect := m.Effect
		if m.Relative {
			effect *= *c.Value
		}
		if effect == 0 {
			return u, false, fmt.Errorf("--effect %s: %s is 0 in the control, so there is no lift: %w", text, row.Metric, calc.ErrRequest)
		}
		times, err := stats.RequiredSubjects(effect, se*se, 0, 1, z, f.power)
		if err != nil {
			return u, false, fmt.Errorf("--effect %s: %w", text, err)
		}
		total, err := outlook.Subjects(effect, f.power)
		if err != nil {
			return u, false, fmt.Errorf("--effect %s: %w", text, err)
		}
		if n*times > calc.MaxSubjects {
			return u, false, usage("--effect %s: needs more than 2^53 subjects, more than there will ever be", text)
		}
		missing := func(k, subjects float64) moreOfOne {
			left := math.Max(0, math.Ceil(subjects-n-1e-6))
			return moreOfOne{K: k, More: int64(left), Days: f.days(left)}
		}
		m.Fixed, m.Sequential = missing(z, n*times), missing(outlook.K(float64(total)/n), float64(total))
		u.Effects = append(u.Effects, m)
	}
	return u, true, nil
}

func (f *powerFlags) duringTable(w io.Writer, rows []underway) error {
	for i, u := range rows {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s, %s\ncontrol %s, sd of a subject %s; power %s at α = %s\n\n", u.Metric, u.Variant, digits(&u.Value), digits(&u.SD), results.FormatPercent(u.Power, 0), digits(&u.Alpha))
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		look := "one look"
		if u.AlphaFixed > 0 {
			look += " at α = " + digits(&u.AlphaFixed)
		}
		fmt.Fprintf(t, "smallest effect found with\t%s\talways-valid\n", look)
		fmt.Fprintf(t, "now, %s subjects\t%s\t%s\n", results.FormatCount(u.Now.Subjects), u.Now.Fixed, u.Now.Sequential)
		if u.End != nil {
			fmt.Fprintf(t, "at the end, %s%s\t%s\t%s\n", results.FormatCount(u.End.Subjects), daysText(u.End.Days), u.End.Fixed, u.End.Sequential)
		}
		for _, m := range u.Effects {
			fmt.Fprintf(t, "more subjects for %s\t%s%s\t%s%s\n", effectText(m.Effect, m.Relative), results.FormatCount(m.Fixed.More), daysText(m.Fixed.Days),
				results.FormatCount(m.Sequential.More), daysText(m.Sequential.Days))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}
