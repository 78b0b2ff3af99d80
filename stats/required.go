package stats

import (
	"fmt"
	"math"
)

// Needed is how large an experiment that is under way must become.
type Needed struct {
	// N are the subjects of both arms now, and SE the standard error of their difference.
	NT, NC int64
	SE     float64
	Tuning Tuning
	// Alpha is the level of the always-valid test.
	Alpha float64
	// FinalLook: half of Alpha is kept for a classical look at the end, which is then the last one.
	FinalLook bool
}

// K returns the half-width, in standard errors, of the last look's interval when there are x times as many subjects as now.
func (n Needed) K(x float64) float64 {
	alpha := n.Alpha
	if n.FinalLook {
		alpha /= 2
	}
	w := 0.0
	if n.Tuning.Tau2 > 0 {
		w = n.Tuning.Tau2 / (n.SE*n.SE/x + n.Tuning.Tau2)
	} else {
		v := Intrinsic(n.NT, n.NC, n.SE) * x
		w = v / (v + Rho(n.Tuning.V, alpha))
	}
	k := boundary(w, alpha)
	if n.FinalLook {
		k = math.Min(k, NormalUpper(alpha/2))
	}
	return k
}

// Subjects returns how many subjects both arms need together, in the proportion that they have now, for the last look of the
// always-valid test to show an effect with the given power: the least n with
//
//	(k(n) + z_power)·SE·sqrt(n₀/n) ≤ |effect|
//
// where the boundary k(n) itself changes with n. Looking before raises the power a little. It returns ErrPlan for numbers out of range
// and if no number below 2⁵³ is enough. Source: elementary.
func (n Needed) Subjects(effect, power float64) (int64, error) {
	now := float64(n.NT + n.NC)
	bad := fmt.Errorf("stats: subjects for effect %v with standard error %v at %v subjects, power %v: %w", effect, n.SE, now, power, ErrPlan)
	if !(n.SE > 0) || !(now > 0) || !(math.Abs(effect) > 0) || math.IsInf(effect, 0) || !(power > 0 && power < 1) || !n.Tuning.Set() || !(n.Alpha > 0 && n.Alpha < 1) {
		return 0, bad
	}
	z := NormalUpper(1 - power)
	enough := func(x float64) bool { return (n.K(x)+z)*n.SE/math.Sqrt(x) <= math.Abs(effect) }
	const most = 1 << 53
	low, high := 0.0, 1/now
	for !enough(high) {
		if low, high = high, 2*high; high*now > most {
			return 0, bad
		}
	}
	// The width falls with x, so between the two there is one place where it is enough.
	for range 200 {
		mid := (low + high) / 2
		if high-low < 1e-9/now || mid <= low || mid >= high {
			break
		}
		if enough(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return int64(math.Ceil(high*now - 1e-6)), nil
}
