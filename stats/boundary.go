package stats

import "math"

// Boundary is how the always-valid test of a comparison is made. The zero value is the two-sided normal mixture at the Design's own α.
type Boundary struct {
	// Alpha is the level of the always-valid test where it is another than the Design's: a share of an experiment's (Divide). The
	// fixed-horizon interval stays at the Design's. 0 means the Design's.
	Alpha float64
	// Student uses StudentMixture, which knows that the variance is estimated.
	Student bool
	// FinalLook keeps half of the level for one classical look at a planned end: the test is that of Hybrid before its look. The
	// adjusted difference, which has no such look, stands at the same half, so that all intervals of a row have one level.
	FinalLook bool
}

// Level returns the level of the always-valid test under a Design at alpha, the final look's half included.
func (b Boundary) Level(alpha float64) float64 {
	if b.Alpha > 0 && b.Alpha < 1 {
		return b.Alpha
	}
	return alpha
}

// Test returns the always-valid test of a difference between arms of nt and nc subjects under a Design at alpha. With FinalLook p is
// that of both halves together, so 2·p, and e is halved likewise: p ≤ level exactly when the interval excludes 0.
// Source: as Always, StudentMixture and Hybrid.
func (b Boundary) Test(t Tuning, test Test, nt, nc int64, alpha float64) Always {
	level := b.Level(alpha)
	if b.FinalLook {
		level /= 2
	}
	var a Always
	if b.Student {
		a = t.StudentMixture(test, nt, nc, level)
	} else {
		a = t.Always(test, nt, nc, level)
	}
	if b.FinalLook && a.P.OK {
		a.P, a.LogE = Known(math.Min(1, 2*a.P.V)), Known(a.LogE.V-math.Ln2)
	}
	return a
}
