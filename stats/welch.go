package stats

// welch returns Welch's t-test beside the normal one. t is z; the degrees of freedom are Satterthwaite's:
//
//	ν = (v_t + v_c)² / (v_t²/(n_t−1) + v_c²/(n_c−1))
//
// with v the variance of the arm's estimate. Two-sided; unpooled. It is absent where z is.
// Source: Welch 1947; Satterthwaite 1946.
func welch(test Test, t, c Estimate, l level) Welch {
	if !test.Z.OK {
		return Welch{}
	}
	// Shares of the whole variance, so that squares neither overflow nor vanish.
	v := t.Var.V + c.Var.V
	a, b := t.Var.V/v, c.Var.V/v
	df := 1 / (a*a/float64(t.N-1) + b*b/float64(c.N-1))
	k := studentUpper(l.alpha/2, l.k, df)
	return Welch{
		T: test.Z, DF: Known(df), P: Known(StudentTwoSidedP(test.Z.V, df)),
		Interval: Between(test.Value.V-k*test.SE.V, test.Value.V+k*test.SE.V),
	}
}
