package calc

import (
	"fmt"
	"math"

	"github.com/tidemark/tidemark/stats"
)

// Power asks what an experiment can find: at a size (N), or at which size it finds an effect.
type Power struct {
	// Value and Var are the control's value and the variance of one subject's (linearised) value; SD² is the same as Var.
	Value float64 `json:"value,omitempty"`
	Var   float64 `json:"var,omitempty"`
	SD    float64 `json:"sd,omitempty"`
	// Rate is the control's share of subjects with a 1, instead of Value and Var: each arm then has the variance of its own rate.
	Rate float64 `json:"rate,omitempty"`
	// Effect is the true difference, or a lift of the value if Relative. Without it the answer has the smallest effect found.
	Effect   float64 `json:"effect,omitempty"`
	Relative bool    `json:"relative,omitempty"`
	// Lift is delta for tools that test a lift by the delta method; default the difference, as Fieller's interval does too.
	Lift string `json:"lift,omitempty"`
	// N is the number of subjects in the control; Share how many times as many a treatment has, default 1.
	N     float64 `json:"n,omitempty"`
	Share float64 `json:"share,omitempty"`
	Power float64 `json:"power,omitempty"` // default 0.8
	// Subjects at which the always-valid interval is tuned to be tightest, over both arms; default the planned size itself.
	Subjects int64 `json:"subjects,omitempty"`
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
	N     *float64 `json:"n"`     // subjects that the control needs for Effect
}

// check fills in the defaults and refuses what can't be planned.
func (p Power) check() (Power, error) {
	refuse := func(format string, args ...any) (Power, error) {
		return p, fmt.Errorf("power: "+format+": %w", append(args, ErrRequest)...)
	}
	if p.Share == 0 {
		p.Share = 1
	}
	if p.Power == 0 {
		p.Power = 0.8
	}
	switch {
	case p.SD != 0 && p.Var != 0:
		return refuse("sd and var are the same thing; give one")
	case p.Rate != 0 && (p.Value != 0 || p.Var != 0 || p.SD != 0):
		return refuse("rate stands for value and var; leave them out")
	case p.Rate < 0 || p.Rate >= 1:
		return refuse("rate is %v, it must lie between 0 and 1", p.Rate)
	}
	if p.SD != 0 {
		p.Var = p.SD * p.SD
	}
	if p.Rate != 0 {
		p.Value, p.Var = p.Rate, p.Rate*(1-p.Rate)
	}
	switch {
	case !(p.Var > 0) || math.IsInf(p.Var, 0):
		return refuse("var is %v; give the variance of one subject's value (var), its standard deviation (sd), or a rate", p.Var)
	case !(p.N >= 0) || math.IsInf(p.N, 0):
		return refuse("n is %v; it must be a number of subjects", p.N)
	case !(p.Share > 0) || math.IsInf(p.Share, 0):
		return refuse("share is %v; it must be above 0", p.Share)
	case !(p.Power > 0 && p.Power < 1):
		return refuse("power is %v, it must lie between 0 and 1", p.Power)
	case p.N == 0 && p.Effect == 0:
		return refuse("give n, to learn the smallest effect found, or effect, to learn the subjects needed")
	case p.Relative && p.Value == 0:
		return refuse("a relative effect needs a value other than 0")
	case p.Lift != "" && p.Lift != string(stats.Delta) && p.Lift != string(stats.Fieller):
		return refuse("lift is %q; fieller and delta are known", p.Lift)
	case p.Lift == string(stats.Delta) && !p.Relative:
		return refuse("lift delta is for relative effects")
	case math.IsNaN(p.unitSE(p.Effect)):
		return refuse("an effect of %v takes the rate %v out of 0 to 1", p.Effect, p.Rate)
	}
	return p, nil
}

// unitSE returns the standard error, in the unit of effect, of an experiment with one control subject whose true effect is the
// given one; with n of them it is that over √n. It is NaN where there is no such effect.
func (p *Power) unitSE(effect float64) float64 {
	unit := 1.0
	if p.Relative {
		unit = math.Abs(p.Value)
	}
	treatment := p.Var
	if p.Rate > 0 {
		r := p.Rate + effect*unit
		if r < 0 || r > 1 {
			return math.NaN()
		}
		treatment = r * (1 - r)
	}
	if p.Lift == string(stats.Delta) {
		return math.Sqrt(treatment/p.Share+(1+effect)*(1+effect)*p.Var) / unit
	}
	return math.Sqrt(p.Var+treatment/p.Share) / unit
}

// mde returns the smallest effect above 0 that n control subjects find with k standard errors to a side: the fixed point of
// L = (k + z_power)·SE(L). nil if none is large enough. For a variance that does not depend on the effect it is stats.MDE.
func (p *Power) mde(n, k float64) (*float64, error) {
	effect := 0.0
	for range 500 {
		se := p.unitSE(effect) / math.Sqrt(n)
		if !(se > 0) {
			return nil, nil
		}
		next, err := stats.MDE(se, k, p.Power)
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

// required returns how many control subjects find p.Effect where a plan of n has the boundary k(n). k hardly moves with n, so a few
// rounds bring both to rest.
func (p *Power) required(k func(n float64) float64) (float64, error) {
	n, se := math.Max(p.N, 1000), p.unitSE(p.Effect)
	for range 200 {
		next, err := stats.RequiredSubjects(p.Effect, se*se, 0, 1, k(n), p.Power)
		if err != nil {
			return 0, err
		}
		if math.Abs(next-n) < 1e-12*n {
			break
		}
		n = next
	}
	return n, nil
}

// run answers for both tests.
func (p Power) run(alpha float64) (*Powered, error) {
	p, err := p.check()
	if err != nil {
		return nil, err
	}
	plan := func(k func(n float64) float64) (out Plan, err error) {
		if p.N > 0 {
			out.K = k(p.N)
			if out.MDE, err = p.mde(p.N, out.K); err != nil {
				return out, err
			}
		}
		if p.N > 0 && p.Effect != 0 {
			power, err := stats.Power(p.Effect, p.unitSE(p.Effect)/math.Sqrt(p.N), out.K)
			if err != nil {
				return out, err
			}
			out.Power = &power
		}
		if p.Effect != 0 {
			n, err := p.required(k)
			if err != nil {
				return out, err
			}
			out.N = &n
			if p.N == 0 {
				out.K = k(n)
			}
		}
		return out, nil
	}
	z := stats.NormalUpper(alpha / 2)
	fixed, err := plan(func(float64) float64 { return z })
	if err != nil {
		return nil, fmt.Errorf("power: %w", err)
	}
	sequential, err := plan(func(n float64) float64 {
		planned := n * (1 + p.Share)
		if p.Subjects > 0 {
			planned = float64(p.Subjects)
		}
		return stats.BoundaryByCount(n*(1+p.Share), planned, alpha)
	})
	if err != nil {
		return nil, fmt.Errorf("power: %w", err)
	}
	return &Powered{Fixed: fixed, Sequential: sequential}, nil
}
