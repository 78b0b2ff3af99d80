package stats

import "math"

// Hybrid is the always-valid test with a planned final look: half of α is spent on looking at any time, half on one classical
// look at the planned end. planned says that this is that look (or that it has been and rejected). At it K is the lesser of the two
// boundaries and P twice the lesser of the two p-values; before it both are the sequential test's at α/2, so that an interval is
// some 10 % wider than Always; for that the final look regains most of the power of a test without looks.
// By the union bound the two together err at most α of the time. The planned end must be fixed before the data are seen, and must
// not depend on them. In very unequal arms the look goes by the variance of AlwaysVar, as the looks before it: one look at skewed values
// errs there too. Source: Eppo's documentation of its hybrid; the union bound.
func (t Tuning) Hybrid(test Test, nt, nc int64, alpha float64, planned bool) Always {
	a := t.Always(test, nt, nc, alpha/2)
	if !a.P.OK {
		return a
	}
	p := a.P.V
	if planned {
		test = t.tested(test)
		if k := NormalUpper(alpha / 4); k < a.K.V {
			a.K = Known(k)
			a.Interval = Between(test.Value.V-k*test.SE.V, test.Value.V+k*test.SE.V)
		}
		look, _ := TwoSidedP(test.Z.V)
		p = math.Min(p, look.V)
	}
	a.P = Known(math.Min(1, 2*p))
	return a
}
