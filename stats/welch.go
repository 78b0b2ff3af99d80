package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// welch returns Welch's t-test beside the normal one. t is z; the degrees of freedom are Satterthwaite's:
//
//	ν = (v_t + v_c)² / (v_t²/(n_t−1) + v_c²/(n_c−1))
//
// with v the variance of the arm's estimate. Two-sided. Source: Welch 1947; statistics.md §2.3.
func welch(test Test, t, c Estimate, alpha float64) Welch {
	if !test.Z.OK {
		return Welch{}
	}
	v := t.Var.V + c.Var.V
	// Divided by v first, so that squares neither overflow nor vanish.
	a, b := t.Var.V/v, c.Var.V/v
	df := 1 / (a*a/float64(t.N-1) + b*b/float64(c.N-1))
	w := Welch{T: test.Z, DF: Known(df)}
	dist := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}
	w.P = Known(math.Max(2*dist.Survival(math.Abs(test.Z.V)), minP))
	k := dist.Quantile(1 - alpha/2)
	w.Interval = Between(test.Value.V-k*test.SE.V, test.Value.V+k*test.SE.V)
	return w
}
