package app

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tidemark/tidemark/stats/calc"
	"github.com/tidemark/tidemark/stream/results"
)

// powerFlags are what a plan is made from.
type powerFlags struct {
	mean, sd, rate, alpha, power float64
	effects                      []string
	weights                      []float64
	arms                         int
	perDay, subjects, tuned      int64
	lift, from, metric, variant  string
	output                       string
	// given says whether a flag is there: 0 is a value too.
	given func(name string) bool
}

func powerCommand(t terminal) *cobra.Command {
	var f powerFlags
	c := &cobra.Command{
		Use:   "power",
		Short: "Plan an experiment: subjects and days for an effect, or the effect for a size",
		Long: `Plan an experiment: subjects and days for an effect, or the effect for a size.

For each effect: the subjects needed over all arms, for one classical look at
the end and for the always-valid test that may be looked at any time; with
--subjects also the smallest effect that so many find. With --from it reads
published results of a running experiment and says what they can show now, at
the end (--subjects), and how many more subjects an effect needs.`,
		Example: `  tidemark power --mean 0.2 --sd 1.2 --effect 10%
  tidemark power --rate 0.04 --effect 2%,5%,10% --per-day 20000
  tidemark power --rate 0.04 --subjects 200000 --weights 2,1,1
  tidemark power --from results.json --effect 5% --subjects 50000 --per-day 900`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.output != "table" && f.output != "json" {
				return usage("-o %s: want table or json", f.output)
			}
			f.given = cmd.Flags().Changed
			if err := f.check(); err != nil {
				return err
			}
			if f.from != "" {
				list, err := readResults(cmd.Context(), t.in, f.from)
				if err != nil {
					return err
				}
				found, err := f.during(list)
				if err != nil {
					return requestError(err)
				}
				if f.output == "json" {
					return writeIndented(t.out, found)
				}
				return f.duringTable(t.out, found)
			}
			p, err := f.plan()
			if err != nil {
				return requestError(err)
			}
			if f.output == "json" {
				return writeIndented(t.out, p)
			}
			return p.table(t.out)
		},
	}
	fl := c.Flags()
	fl.Float64Var(&f.mean, "mean", 0, "the control's value, for a mean")
	fl.Float64Var(&f.sd, "sd", 0, "standard deviation of one subject's value")
	fl.Float64Var(&f.rate, "rate", 0, "the control's rate, for a BINOMIAL metric, instead of --mean and --sd")
	fl.StringSliceVar(&f.effects, "effect", nil, "`EFFECTS` to find: 10% is a lift, 0.02 a difference")
	fl.Float64Var(&f.alpha, "alpha", 0.05, "error rate")
	fl.Float64Var(&f.power, "power", 0.8, "chance of finding the effect")
	fl.IntVar(&f.arms, "arms", 2, "variants, the control included")
	fl.Float64SliceVar(&f.weights, "weights", nil, "`WEIGHTS` of the variants, the control's first; default equal")
	fl.Int64Var(&f.perDay, "per-day", 0, "new subjects a day over all variants")
	fl.Int64Var(&f.subjects, "subjects", 0, "planned subjects over all variants")
	fl.Int64Var(&f.tuned, "tuned", 0, "sequential subjects of the definition; default the size needed")
	fl.StringVar(&f.lift, "lift", "fieller", "how lifts are tested: fieller, or delta as some tools do")
	fl.StringVar(&f.from, "from", "", "published results of the running experiment: a `FILE`, - or a URL")
	fl.StringVar(&f.metric, "metric", "", "only this metric of --from")
	fl.StringVar(&f.variant, "variant", "", "only this variant of --from")
	fl.StringVarP(&f.output, "output", "o", "table", "table or json")
	fl.Lookup("weights").DefValue = "" // an empty list is no default worth printing
	return c
}

func (f *powerFlags) check() error {
	for name, v := range map[string]int64{"per-day": f.perDay, "subjects": f.subjects, "tuned": f.tuned} {
		if f.given(name) && (v < 1 || v > calc.MaxSubjects) {
			return usage("--%s %d: want a number of subjects, at least 1", name, v)
		}
	}
	switch {
	case !(f.alpha >= calc.MinAlpha && f.alpha < 1):
		return usage("--alpha %v: must lie between %v and 1", f.alpha, calc.MinAlpha)
	case f.weights == nil && (f.arms < 2 || f.arms > 1000):
		return usage("--arms %d: an experiment has a control and a treatment at least, and 1000 arms at most", f.arms)
	case f.weights != nil && f.given("arms") && f.arms != len(f.weights):
		return usage("--arms %d and %d --weights: one for each arm", f.arms, len(f.weights))
	case f.weights != nil && (len(f.weights) < 2 || slices.ContainsFunc(f.weights, func(w float64) bool { return !(w >= 1e-6 && w <= 1e9) })):
		return usage("--weights: two numbers above 0 at least (0.000001 to 1000000000), the control's first")
	case f.lift != "fieller" && f.lift != "delta":
		return usage("--lift %s: want fieller or delta", f.lift)
	case f.from == "" && len(f.effects) == 0 && !f.given("subjects"):
		return usage("give --effect to learn how many subjects it needs, or --subjects to learn which effect they find")
	case f.from == "" && (f.given("metric") || f.given("variant")):
		return usage("--metric and --variant choose rows of --from, which is not given")
	case f.from != "" && (f.given("mean") || f.given("sd") || f.given("rate")):
		return usage("--from has value and variance already: leave --mean, --sd and --rate out")
	case f.from != "" && (f.given("arms") || f.given("weights")):
		return usage("--from has the arms and their shares already: leave --arms and --weights out")
	}
	return nil
}

// effectOf reads one of --effect.
func effectOf(text string) (v float64, relative bool, err error) {
	v, relative, err = shareOrNumber(text)
	if err != nil || v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false, usage("--effect %s: want a lift such as 5%%, or a difference such as 0.02", text)
	}
	return v, relative, nil
}

// plan is the answer of tidemark power.
type plan struct {
	Alpha   float64   `json:"alpha"`
	Power   float64   `json:"power"`
	Value   float64   `json:"value"`
	SD      float64   `json:"sd"`
	Weights []float64 `json:"weights"`
	// Effects are those asked for, and Size what --subjects find.
	Effects []planned `json:"effects,omitempty"`
	Size    *sized    `json:"size,omitempty"`
}

// planned is an effect and what finds it.
type planned struct {
	Effect     float64 `json:"effect"`
	Relative   bool    `json:"relative"`
	Fixed      need    `json:"fixed"`
	Sequential need    `json:"sequential"`
}

// need is a size, over all variants. Power is that of --subjects.
type need struct {
	K        float64  `json:"k"`
	Subjects int64    `json:"subjects"`
	Days     *float64 `json:"days,omitempty"`
	Power    *float64 `json:"power,omitempty"`
}

// sized is the smallest effect that so many subjects find; null if they find none.
type sized struct {
	Subjects   int64    `json:"subjects"`
	Days       *float64 `json:"days,omitempty"`
	Fixed      reach    `json:"fixed"`
	Sequential reach    `json:"sequential"`
}

type reach struct {
	K   float64  `json:"k"`
	MDE *float64 `json:"mde"`
	// MDELift is MDE as a lift; null for a control of 0.
	MDELift *float64 `json:"mde_lift"`
}

// plan answers from the flags. A treatment is compared with the control by itself, so the smallest treatment decides.
func (f *powerFlags) plan() (*plan, error) {
	weights := f.weights
	if weights == nil {
		weights = slices.Repeat([]float64{1}, f.arms)
	}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	share := slices.Min(weights[1:]) / weights[0]
	ask := calc.Power{Share: &share, Power: &f.power}
	for name, to := range map[string]struct {
		field **float64
		v     *float64
	}{"mean": {&ask.Value, &f.mean}, "sd": {&ask.SD, &f.sd}, "rate": {&ask.Rate, &f.rate}} {
		if f.given(name) {
			*to.field = to.v
		}
	}
	if f.given("tuned") {
		ask.Subjects = &f.tuned
	}
	if f.subjects > 0 {
		n := float64(f.subjects) * weights[0] / sum
		if least := n * math.Min(1, share); least < 2 {
			return nil, usage("--subjects %d: that is less than 2 in the smallest arm, which has no standard error", f.subjects)
		}
		ask.N = &n
	}
	p := &plan{Alpha: f.alpha, Power: f.power, Value: f.mean, SD: f.sd, Weights: weights}
	if f.rate != 0 {
		p.Value, p.SD = f.rate, math.Sqrt(f.rate*(1-f.rate))
	}
	for _, text := range f.effects {
		q := ask
		var err error
		var effect float64
		if effect, q.Relative, err = effectOf(text); err != nil {
			return nil, err
		}
		q.Effect = &effect
		if q.Relative && f.lift != "fieller" {
			q.Lift = f.lift
		}
		a, err := calc.Run(calc.Request{Alpha: &f.alpha, Power: &q})
		if err != nil {
			return nil, err
		}
		if most := *a.Power.Sequential.N * sum / weights[0]; most > calc.MaxSubjects {
			return nil, usage("--effect %s: needs more than 2^53 subjects over all arms, more than there will ever be", text)
		}
		of := func(c calc.Plan) need {
			total := math.Ceil(*c.N*sum/weights[0] - 1e-6)
			n := need{K: c.K, Subjects: int64(total), Power: c.Power}
			n.Days = f.days(total)
			return n
		}
		p.Effects = append(p.Effects, planned{effect, q.Relative, of(a.Power.Fixed), of(a.Power.Sequential)})
	}
	if f.subjects > 0 {
		if f.lift == "delta" {
			ask.Relative, ask.Lift = true, f.lift
		}
		a, err := calc.Run(calc.Request{Alpha: &f.alpha, Power: &ask})
		if err != nil {
			return nil, err
		}
		of := func(c calc.Plan) reach {
			if ask.Relative && c.MDE != nil {
				*c.MDE *= math.Abs(p.Value)
			}
			return reachOf(c.K, c.MDE, p.Value)
		}
		p.Size = &sized{f.subjects, f.days(float64(f.subjects)), of(a.Power.Fixed), of(a.Power.Sequential)}
	}
	return p, nil
}

// reachOf completes an effect by its lift over the control's value.
func reachOf(k float64, mde *float64, value float64) reach {
	r := reach{K: k, MDE: mde}
	if mde != nil && value != 0 {
		lift := *mde / math.Abs(value)
		r.MDELift = &lift
	}
	return r
}

// days is how long that many subjects take to come, nil if nobody knows.
func (f *powerFlags) days(subjects float64) *float64 {
	if f.perDay == 0 {
		return nil
	}
	d := math.Max(0, subjects) / float64(f.perDay)
	return &d
}

func (p *plan) table(w io.Writer) error {
	fmt.Fprintf(w, "control %s, sd of a subject %s; power %s at α = %s; weights %s\n\n", digits(&p.Value), digits(&p.SD),
		results.FormatPercent(p.Power, 0), digits(&p.Alpha), list(p.Weights, func(v float64) string { return digits(&v) }))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(p.Effects) > 0 {
		fmt.Fprintln(t, strings.TrimRight("effect\tsubjects, one look\tsubjects, always-valid\tratio"+header(p.Effects), "\t"))
	}
	for _, e := range p.Effects {
		line := fmt.Sprintf("%s\t%s%s\t%s%s\t%.2f", effectText(e.Effect, e.Relative), results.FormatCount(e.Fixed.Subjects), daysText(e.Fixed.Days),
			results.FormatCount(e.Sequential.Subjects), daysText(e.Sequential.Days), float64(e.Sequential.Subjects)/float64(e.Fixed.Subjects))
		if e.Fixed.Power != nil {
			line += fmt.Sprintf("\t%s / %s", results.FormatPercent(*e.Fixed.Power, 1), results.FormatPercent(*e.Sequential.Power, 1))
		}
		fmt.Fprintln(t, line)
	}
	if s := p.Size; s != nil {
		if len(p.Effects) > 0 {
			fmt.Fprintln(t)
		}
		fmt.Fprintf(t, "smallest effect found with\tone look\talways-valid\n")
		fmt.Fprintf(t, "%s subjects%s\t%s\t%s\n", results.FormatCount(s.Subjects), daysText(s.Days), s.Fixed, s.Sequential)
	}
	return t.Flush()
}

func header(effects []planned) string {
	if effects[0].Fixed.Power == nil {
		return ""
	}
	return "\tpower at --subjects"
}

// String writes an effect and its lift.
func (r reach) String() string {
	switch {
	case r.MDE == nil:
		return "none"
	case r.MDELift == nil:
		return digits(r.MDE)
	}
	return fmt.Sprintf("%s (%s)", digits(r.MDE), effectText(*r.MDELift, true))
}

func effectText(v float64, relative bool) string {
	if !relative {
		return digits(&v)
	}
	return strings.ReplaceAll(strconv.FormatFloat(v*100, 'g', 4, 64), "-", "−") + "%"
}

func daysText(days *float64) string {
	if days == nil {
		return ""
	}
	return " (" + strconv.FormatFloat(math.Ceil(*days*10)/10, 'f', 1, 64) + " days)"
}

var errNoRow = errors.New("no row to plan with")
