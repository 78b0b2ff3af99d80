package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tidemark/tidemark/catalog/sql"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/calc"
)

// calcFlags are a request's parts as flags have them.
type calcFlags struct {
	control, treatment, power                  string
	srm                                        []int64
	weights, pValues, eValues, logE            []float64
	correction, direction, lift, limit, output string
	mixture                                    string
	alpha, v, vCUPED, tau2                     float64
	subjects                                   int64
	goals                                      int
}

func calcCommand(t terminal) *cobra.Command {
	var f calcFlags
	c := &cobra.Command{
		Use:   "calc [FILE]",
		Short: "Compute one result by hand: sums in, a row's tests out",
		Long: `Compute one result by hand: sums in, a row's tests out.

The request is a JSON file (- or nothing: standard input) or flags; every key
stands in docs/statistics.md, "By hand". Arms are n and sums of subjects'
totals, named as published: sum_num (short: sum), sum_num2, sum_den, sum_den2,
sum_numden, and sum_pre … for CUPED. Without denominators the metric is a mean.
Sums are exact decimal numbers. A final look, post-stratification and
quantiles need more than sums and are not had here.

--goals 2 says that the first two p are of goals: Bonferroni and Holm then
divide alpha as an experiment does. e-BH is over e-values, which are 1/p of
the always-valid p. Of other p-values alone it calibrates
e = (1 - p + p ln p)/(p (ln p)^2) (Vovk & Wang 2021).`,
		Example: `  tidemark calc --control n=3000,sum=1396,sum2=1396 --treatment n=3461,sum=2422,sum2=2422
  tidemark calc --srm 1000,1200 --weights 1,1
  tidemark calc --p-values .01,.04,.03,.005 --correction holm -o json
  tidemark calc --p-values .004,.3,.02,.6 --goals 1
  tidemark calc --e-values 60,1.2,0.3 --correction ebh
  tidemark calc --power value=0.2,sd=1.2,effect=10%
  echo '{"control": {"n": 200, "sum_num": "310.5", "sum_num2": "1010.25"},
   "treatment": {"n": 210, "sum_num": "340", "sum_num2": "1200"}}' | tidemark calc -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.output != "table" && f.output != "json" {
				return usage("-o %s: want table or json", f.output)
			}
			request, err := f.request(t, cmd, args)
			if err != nil {
				return requestError(err)
			}
			answer, err := calc.Run(request)
			if err != nil {
				return requestError(err)
			}
			if f.output == "json" {
				return writeIndented(t.out, answer)
			}
			return calcTable(t.out, answer)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.control, "control", "", "`SUMS` of the control, such as n=3000,sum=1396,sum2=1396")
	fl.StringVar(&f.treatment, "treatment", "", "`SUMS` of the treatment")
	fl.StringVar(&f.direction, "direction", "up", "which way is good: up, down or none")
	fl.StringVar(&f.lift, "lift", "fieller", "the lift's interval: fieller, delta or log_delta")
	fl.StringVar(&f.mixture, "mixture", "normal", "the always-valid test's: normal or student")
	fl.StringVar(&f.limit, "limit", "", "a guardrail's `LIMIT`, such as +5% or -0.02")
	fl.Int64Var(&f.subjects, "subjects", 0, "where the always-valid interval is tightest (default 10000)")
	fl.Float64Var(&f.v, "v", 0, "tuning v* of a published row, instead of --subjects")
	fl.Float64Var(&f.vCUPED, "v-cuped", 0, "v_cuped of a published row, beside --v")
	fl.Float64Var(&f.tau2, "tau2", 0, "variance of the prior, instead of --subjects")
	fl.Int64SliceVar(&f.srm, "srm", nil, "`LIST` of subjects by variant: are they split as planned?")
	fl.Float64SliceVar(&f.weights, "weights", nil, "`LIST` of planned weights for --srm; default equal")
	fl.Float64SliceVar(&f.pValues, "p-values", nil, "`LIST` of p-values to adjust for many comparisons")
	fl.Float64SliceVar(&f.eValues, "e-values", nil, "`LIST` of e-values, for ebh")
	fl.Float64SliceVar(&f.logE, "log-e", nil, "`LIST` of natural logarithms of e-values, for ebh")
	fl.IntVar(&f.goals, "goals", 0, "how many of --p-values, the first, are of goals")
	fl.StringVar(&f.correction, "correction", "", "only this one: bonferroni, holm, bh or ebh")
	fl.StringVar(&f.power, "power", "", "`PLAN` such as value=0.2,sd=1.2,effect=10%; tidemark power has more")
	fl.Float64Var(&f.alpha, "alpha", 0.05, "error rate")
	fl.StringVarP(&f.output, "output", "o", "table", "table or json")
	for _, name := range []string{"srm", "weights", "p-values", "e-values", "log-e"} {
		fl.Lookup(name).DefValue = "" // an empty list is no default worth printing
	}
	return c
}

// request reads what is asked from the file, from standard input or from the flags.
func (f *calcFlags) request(t terminal, cmd *cobra.Command, args []string) (calc.Request, error) {
	asked, said := false, ""
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		switch flag.Name {
		case "control", "treatment", "srm", "p-values", "e-values", "log-e", "power":
			asked = true
		case "output":
			return
		}
		said = flag.Name
	})
	switch {
	case said != "" && len(args) > 0:
		return calc.Request{}, usage("give a file or flags, not both: what one says the other can't change (--%s)", said)
	case asked:
		return f.fromFlags(cmd.Flags())
	case said != "":
		return calc.Request{}, usage("--%s goes with --control and --treatment, --srm, --p-values, --e-values, --log-e or --power; a request on standard input has its own", said)
	case len(args) == 1 && args[0] != "-":
		file, err := os.Open(args[0])
		if err != nil {
			return calc.Request{}, err
		}
		defer file.Close()
		return calc.Decode(file)
	case len(args) == 0 && stdinIsTerminal(t.in):
		return calc.Request{}, usage("nothing to compute: give a file, flags, or a request on standard input (tidemark calc --help has examples)")
	}
	return calc.Decode(t.in)
}

// set returns the value of a flag that was given, nil for one that was not: 0 is a value.
func set[T any](fl *pflag.FlagSet, name string, v *T) *T {
	if fl.Changed(name) {
		return v
	}
	return nil
}

func (f *calcFlags) fromFlags(fl *pflag.FlagSet) (r calc.Request, err error) {
	r = calc.Request{
		Alpha: set(fl, "alpha", &f.alpha), Subjects: set(fl, "subjects", &f.subjects), Tuning: calc.Tuning{V: set(fl, "v", &f.v), VCUPED: set(fl, "v-cuped", &f.vCUPED), Tau2: set(fl, "tau2", &f.tau2)},
		Counts: f.srm, Weights: f.weights, P: f.pValues, E: f.eValues, LogE: f.logE, Correction: f.correction, Goals: set(fl, "goals", &f.goals),
	}
	for name, to := range map[string]*string{"direction": &r.Direction, "lift": &r.Lift, "mixture": &r.Mixture} {
		if fl.Changed(name) {
			*to = fl.Lookup(name).Value.String()
		}
	}
	if f.control != "" {
		if r.Control, err = calc.ParseArm(f.control); err != nil {
			return r, fmt.Errorf("--control: %w", err)
		}
	}
	if f.treatment != "" {
		if r.Treatment, err = calc.ParseArm(f.treatment); err != nil {
			return r, fmt.Errorf("--treatment: %w", err)
		}
	}
	if f.power != "" {
		if r.Power, err = calc.ParsePower(f.power); err != nil {
			return r, fmt.Errorf("--power: %w", err)
		}
	}
	if fl.Changed("limit") {
		r.Limit = new(calc.Limit)
		if r.Limit.Value, r.Limit.Relative, err = shareOrNumber(f.limit); err != nil {
			return r, usage("--limit %s: want a difference such as 0.02, or a lift such as +5%%", f.limit)
		}
	}
	return r, nil
}

// shareOrNumber reads 5% as a relative 0.05 and 0.05 as an absolute one.
func shareOrNumber(text string) (v float64, relative bool, err error) {
	if share, ok := strings.CutSuffix(text, "%"); ok {
		v, err = strconv.ParseFloat(share, 64)
		return v / 100, true, err
	}
	v, err = strconv.ParseFloat(text, 64)
	return v, false, err
}

// requestError makes what a request gets wrong a usage error, with the name that was meant.
func requestError(err error) error {
	var unknown *calc.UnknownFieldError
	if errors.As(err, &unknown) {
		best, distance := "", 4
		for _, name := range unknown.Known {
			d := sql.EditDistance([]rune(strings.ToLower(unknown.Field)), []rune(name))
			if d < distance && d*2 <= max(len(unknown.Field), len(name)) {
				best, distance = name, d
			}
		}
		if best != "" {
			return usage("%v; did you mean %q?", err, best)
		}
		return usage("%v; there are %s", err, strings.Join(unknown.Known, ", "))
	}
	if errors.Is(err, calc.ErrRequest) || errors.Is(err, stats.ErrWeights) || errors.Is(err, stats.ErrPlan) {
		// Who asks at a command line has no use for the package's name and the sentinel's.
		text := strings.Replace(err.Error(), "calc: ", "", 1)
		return usage("%s", strings.TrimSuffix(strings.TrimPrefix(text, "power: "), ": "+calc.ErrRequest.Error()))
	}
	return err
}

// writeIndented writes v as JSON for people and programs.
func writeIndented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// stdinIsTerminal says that nobody would send anything.
func stdinIsTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
