package calc

import (
	"fmt"
	"math"

	"github.com/tidemark/tidemark/stats"
)

// Power asks what an experiment can find: at a size (N), or at which size it finds an effect.
type Power struct {
	// Value and Var are the control's value and the variance of one subject's (linearised) value.
	Value float64 `json:"value"`
	Var   float64 `json:"var"`
	// Effect is the true difference, or a lift of Value if Relative. Without it the answer has the smallest effect found.
	Effect   float64 `json:"effect,omitempty"`
	Relative bool    `json:"relative,omitempty"`
	// N is the number of subjects in the control; Share how many times as many a treatment has, default 1.
	N     float64 `json:"n,omitempty"`
	Share float64 `json:"share,omitempty"`
	Power float64 `json:"power,omitempty"` // default 0.8
	// Subjects at which the always-valid interval is tuned to be tightest, over both arms; default the planned size itself.
	Subjects int64 `json:"subjects,omitempty"`
}

// Powered has both answers of every question: for one classical look at the end, and for the last of many always-valid looks.
type Powered struct {
	Fixed      Plan `json:"fixed"`
	Sequential Plan `json:"sequential"`
}

// Plan is what a test with K standard errors to a side can do. What was not asked for is null.
type Plan struct {
	K     float64  `json:"k"`
	Power *float64 `json:"power"` // at N, for Effect
	MDE   *float64 `json:"mde"`   // at N, in the unit of Effect
	N     *float64 `json:"n"`     // subjects that the control needs for Effect
}

func (p *Power) run(alpha float64) (*Powered, error) {
	share, power := p.Share, p.Power
	if share == 0 {
		share = 1
	}
	if power == 0 {
		power = 0.8
	}
	if !(p.Var > 0) || math.IsInf(p.Var, 0) || p.N < 0 || share < 0 || p.N == 0 && p.Effect == 0 || p.Relative && p.Value == 0 {
		return nil, fmt.Errorf("power needs var above 0, n or effect, and for a relative effect a value other than 0: %w", ErrRequest)
	}
	unit := 1.0
	if p.Relative {
		unit = math.Abs(p.Value)
	}
	plan := func(k func(n float64) float64) (Plan, error) {
		var out Plan
		if p.N > 0 {
			out.K = k(p.N)
			se := math.Sqrt(p.Var/p.N + p.Var/(p.N*share))
			mde, err := stats.MDE(se, out.K, power)
			if err != nil {
				return out, err
			}
			mde /= unit
			out.MDE = &mde
			if p.Effect != 0 {
				pow, err := stats.Power(p.Effect*unit, se, out.K)
				if err != nil {
					return out, err
				}
				out.Power = &pow
			}
		}
		if p.Effect != 0 {
			// k depends on the size that is sought: a few rounds bring both to rest, as k hardly moves.
			n := math.Max(p.N, 1000)
			for range 200 {
				next, err := stats.RequiredSubjects(p.Effect*unit, p.Var, p.Var, share, k(n), power)
				if err != nil {
					return out, err
				}
				if math.Abs(next-n) < 1e-9*n {
					break
				}
				n = next
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
		return nil, err
	}
	sequential, err := plan(func(n float64) float64 {
		planned := n * (1 + share)
		if p.Subjects > 0 {
			planned = float64(p.Subjects)
		}
		return stats.BoundaryByCount(n*(1+share), planned, alpha)
	})
	if err != nil {
		return nil, err
	}
	return &Powered{Fixed: fixed, Sequential: sequential}, nil
}
