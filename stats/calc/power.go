package calc

import (
	"fmt"
	"math"

	"github.com/tidemark/tidemark/stats"
)

// Power asks what an experiment can find: at a size (N), or at which size it finds an effect. What is nil is not given.
type Power struct {
	// Value and Var are the control's value and the variance of one subject's (linearised) value; SD² is the same as Var.
	Value *float64 `json:"value,omitempty"`
	Var   *float64 `json:"var,omitempty"`
	SD    *float64 `json:"sd,omitempty"`
	// Rate is the control's share of subjects with a 1, instead of Value and Var: each arm then has the variance of its own rate.
	Rate *float64 `json:"rate,omitempty"`
	// Effect is the true difference, or a lift of the value if Relative. Without it the answer has the smallest effect found.
	Effect   *float64 `json:"effect,omitempty"`
	Relative bool     `json:"relative,omitempty"`
	// Lift is delta for tools that test a lift by the delta method; default the difference, as Fieller's interval does too.
	Lift string `json:"lift,omitempty"`
	// N is the number of subjects in the control; Share how many times as many a treatment has, default 1.
	N     *float64 `json:"n,omitempty"`
	Share *float64 `json:"share,omitempty"`
	Power *float64 `json:"power,omitempty"` // default 0.8
	// Subjects at which the always-valid interval is tuned to be tightest, over both arms; default the planned size itself.
	Subjects *int64 `json:"subjects,omitempty"`
}

// Powered has both answers of every question: for one classical look at the end, and for the last of many always-valid looks.
// Stopping at an earlier look raises the power a little above it.
type Powered struct {
	Fixed      Plan `json:"fixed"`
	Sequential Plan `json:"sequential"`
}

// Plan is what a test with K standard errors to a side can do. What was not asked for, or can't be had, is null.
type Plan struct {
	K     float64  `json:"k"`
	Power *float64 `json:"power"` // at N, for Effect
	MDE   *float64 `json:"mde"`   // at N, in the unit of Effect
	// N are the subjects that the control needs for Effect, NTreatment those of the treatment, NTotal both.
	N          *float64 `json:"n"`
	NTreatment *float64 `json:"n_treatment"`
	NTotal     *float64 `json:"n_total"`
}

// MaxSubjects is the largest number of subjects that a plan can have: up to it a float64 counts one by one.
const MaxSubjects = 1 << 53

// minArm is the smallest arm that has a standard error.
const minArm = 2

// planner is a Power that was checked, with its defaults filled in.
type planner struct {
	value, variance, rate, effect, n, share, power float64
	planned                                        float64 // 0: the size itself
	relative, delta                                bool
}

// check fills in the defaults and refuses what can't be planned.
func (p *Power) check() (q planner, err error) {
	refuse := func(format string, args ...any) (planner, error) {
		return q, fmt.Errorf("power: "+format+": %w", append(args, ErrRequest)...)
	}
	for _, field := range []struct {
		name string
		v    *float64
	}{{"value", p.Value}, {"var", p.Var}, {"sd", p.SD}, {"rate", p.Rate}, {"effect", p.Effect}, {"n", p.N}, {"share", p.Share}, {"power", p.Power}} {
		if field.v != nil && (math.IsNaN(*field.v) || math.IsInf(*field.v, 0)) {
			return refuse("%s is %v; it must be a finite number", field.name, *field.v)
		}
	}
	or := func(v *float64, other float64) float64 {
		if v != nil {
			return *v
		}
		return other
	}
	q = planner{value: or(p.Value, 0), variance: or(p.Var, 0), rate: or(p.Rate, 0), effect: or(p.Effect, 0), n: or(p.N, 0), share: or(p.Share, 1), power: or(p.Power, 0.8),
		relative: p.Relative, delta: p.Lift == string(stats.Delta)}
	switch {
	case p.SD != nil && p.Var != nil:
		return refuse("sd and var are the same thing; give one")
	case p.Rate != nil && (p.Value != nil || p.Var != nil || p.SD != nil):
		return refuse("rate stands for value and var; leave them out")
	case p.Rate != nil && !(q.rate > 0 && q.rate < 1):
		return refuse("rate is %v, it must lie between 0 and 1", q.rate)
	case p.SD != nil && !(*p.SD > 0):
		return refuse("sd is %v; a standard deviation is above 0", *p.SD)
	case p.Var != nil && !(*p.Var > 0):
		return refuse("var is %v; a variance is above 0", *p.Var)
	case p.Rate == nil && p.SD == nil && p.Var == nil:
		return refuse("give the variance of one subject's value (var), its standard deviation (sd), or a rate")
	}
	if p.SD != nil {
		q.variance = *p.SD * *p.SD
	}
	if p.Rate != nil {
		q.value, q.variance = q.rate, q.rate*(1-q.rate)
	}
	if p.Subjects != nil {
		q.planned = float64(*p.Subjects)
	}
	switch {
	case !(q.variance >= minVariance && q.variance <= maxVariance):
		return refuse("the variance of one subject's value is %v; it must lie between %v and %v, so choose another unit", q.variance, minVariance, maxVariance)
	case p.N != nil && !(q.n >= minArm && q.n <= MaxSubjects):
		return refuse("n is %v; the control has %d to 2^53 subjects", q.n, minArm)
	case !(q.share >= 1e-9 && q.share <= 1e9):
		return refuse("share is %v; it must be a number above 0, such as 0.5 for a treatment half as large as the control", q.share)
	case !(q.power > 0 && q.power < 1):
		return refuse("power is %v, it must lie between 0 and 1", q.power)
	case p.Subjects != nil && !(q.planned >= 1 && q.planned <= MaxSubjects):
		return refuse("subjects is %d; it must be the size over both arms at which the interval is tightest, at least 1", *p.Subjects)
	case p.Effect != nil && q.effect == 0:
		return refuse("effect is 0, which no number of subjects finds")
	case p.N == nil && p.Effect == nil:
		return refuse("give n, to learn the smallest effect found, or effect, to learn the subjects needed")
	case q.relative && q.value == 0:
		return refuse("a relative effect needs a value other than 0")
	case p.Lift != "" && !q.delta && p.Lift != string(stats.Fieller):
		return refuse("lift is %q; fieller and delta are known", p.Lift)
	case q.delta && !q.relative:
		return refuse("lift delta is for relative effects")
	case math.IsNaN(q.unitSE(q.effect)):
		if !q.relative {
			return refuse("a difference of %v takes the rate %v out of 0 to 1; a lift of %v in a hundred is relative (on a command line %v%%)", q.effect, q.rate, q.effect, q.effect)
		}
		return refuse("a lift of %v%% takes the rate %v out of 0 to 1", q.effect*100, q.rate)
	}
	return q, nil
}

// A variance outside of these loses digits where it is squared or divided.
const minVariance, maxVariance = 1e-100, 1e100

// unitSE returns the standard error, in the unit of effect, of an experiment with one control subject whose true effect is the
// given one; with n of them it is that over √n. It is NaN where there is no such effect.
func (p *planner) unitSE(effect float64) float64 {
	unit := 1.0
	if p.relative {
		unit = math.Abs(p.value)
	}
	treatment := p.variance
	if p.rate > 0 {
		r := p.rate + effect*unit
		if r < 0 || r > 1 {
			return math.NaN()
		}
		treatment = r * (1 - r)
	}
	if p.delta {
		return math.Sqrt(treatment/p.share+(1+effect)*(1+effect)*p.variance) / unit
	}
	return math.Sqrt(p.variance+treatment/p.share) / unit
}

// mde returns the smallest effect above 0 that n control subjects find with k standard errors to a side: the fixed point of
// L = (k + z_power)·SE(L). nil if none is large enough. For a variance that does not depend on the effect it is stats.MDE.
func (p *planner) mde(n, k float64) (*float64, error) {
	effect := 0.0
	for range 500 {
		se := p.unitSE(effect) / math.Sqrt(n)
		if !(se > 0) {
			return nil, nil
		}
		next, err := stats.MDE(se, k, p.power)
		if err != nil {
			return nil, err
		}
		if math.Abs(next-effect) <= 1e-13*next {
			return &next, nil
		}
		effect = next
	}
	return nil, nil // it ran away: the control is too near 0 for this size
}

// required returns how many control subjects find p.effect where a plan of n has the boundary k(n). k hardly moves with n, so a few
// rounds bring both to rest.
func (p *planner) required(k func(n float64) float64) (float64, error) {
	n, se := math.Max(p.n, 1000), p.unitSE(p.effect)
	if !(math.Abs(p.effect)/se >= 1e-150) { // its square would leave the range of numbers
		return 0, fmt.Errorf("an effect of %v is too small beside a standard deviation of %v for any number of subjects; plan for a larger one: %w", p.effect, math.Sqrt(p.variance), ErrRequest)
	}
	for range 200 {
		wide := k(n)
		if math.IsInf(wide, 1) {
			return 0, p.tooFar(n)
		}
		next, err := stats.RequiredSubjects(p.effect, se*se, 0, 1, wide, p.power)
		if err != nil {
			return 0, err
		}
		if next > MaxSubjects {
			return 0, fmt.Errorf("an effect of %v needs more than 2^53 subjects, more than there will ever be; plan for a larger one: %w", p.effect, ErrRequest)
		}
		if math.Abs(next-n) < 1e-12*n {
			break
		}
		n = next
	}
	return math.Max(n, minArm*math.Max(1, 1/p.share)), nil
}

// tooFar refuses a boundary that is tuned for so few subjects that at n in the control nothing is left of it.
func (p *planner) tooFar(n float64) error {
	return fmt.Errorf("subjects is %v, where the always-valid interval is tightest: too few beside the %.4g over both arms that are planned; give about as many as there will be, or leave it out: %w", p.planned, n*(1+p.share), ErrRequest)
}

// run answers for both tests.
func (ask *Power) run(alpha float64) (*Powered, error) {
	p, err := ask.check()
	if err != nil {
		return nil, err
	}
	z := stats.NormalUpper(alpha / 2)
	if p.power <= alpha/2 || !(z+stats.NormalUpper(1-p.power) > 0) { // of the two tests' k, z is the lesser
		return nil, fmt.Errorf("power: power is %v, but no effect at all is found more often than that, to one side at alpha/2 = %v; ask for more, such as 0.8: %w", p.power, alpha/2, ErrRequest)
	}
	plan := func(k func(n float64) float64) (out Plan, err error) {
		if p.n > 0 {
			if out.K = k(p.n); math.IsInf(out.K, 1) {
				return out, p.tooFar(p.n)
			}
			if out.MDE, err = p.mde(p.n, out.K); err != nil {
				return out, err
			}
		}
		if p.n > 0 && p.effect != 0 {
			power, err := stats.Power(p.effect, p.unitSE(p.effect)/math.Sqrt(p.n), out.K)
			if err != nil {
				return out, err
			}
			out.Power = &power
		}
		if p.effect != 0 {
			n, err := p.required(k)
			if err != nil {
				return out, err
			}
			treatment, total := n*p.share, n*(1+p.share)
			out.N, out.NTreatment, out.NTotal = &n, &treatment, &total
			if p.n == 0 {
				out.K = k(n)
			}
		}
		return out, nil
	}
	fixed, err := plan(func(float64) float64 { return z })
	if err != nil {
		return nil, fmt.Errorf("power: %w", err)
	}
	sequential, err := plan(func(n float64) float64 {
		planned := n * (1 + p.share)
		if p.planned > 0 {
			planned = p.planned
		}
		return stats.BoundaryByCount(n*(1+p.share), planned, alpha)
	})
	if err != nil {
		return nil, fmt.Errorf("power: %w", err)
	}
	return &Powered{Fixed: fixed, Sequential: sequential}, nil
}
