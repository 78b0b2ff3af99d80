package stats

import "math"

// Prior is a normal prior of a difference or a lift, in its unit. SD 0 means that nothing is known before (a flat one).
type Prior struct{ Mean, SD float64 }

// Posterior is what a normal estimate makes of a prior.
type Posterior struct {
	Mean, SD Number
	Interval Interval // the middle 1 − α
	Win      Number   // the chance that the true value is above 0
	// RiskTreatment is what is lost on average by choosing the treatment, E max(0, −x); RiskControl by keeping the control, E max(0, x).
	RiskTreatment, RiskControl Number
}

// Bayes returns the posterior of a value that was estimated with a standard error, under a normal prior:
//
//	precision = 1/τ² + 1/SE²,   mean = (μ₀/τ² + x/SE²)/precision
//
// It is not a test: looked at all day, "a chance to win of 95 %" is reached more often than α says. With the prior's variance as Tau2
// the always-valid test has the same prior. Absent unless SE is above 0. Source: elementary.
func Bayes(value, se float64, prior Prior, alpha float64) Posterior {
	if !(se > 0) || math.IsInf(se, 0) || !Known(value).OK || !(prior.SD >= 0) || !Known(prior.Mean).OK {
		return Posterior{}
	}
	mean, sd := value, se
	if prior.SD > 0 && !math.IsInf(prior.SD, 0) {
		// As shares, so that squares neither overflow nor vanish.
		r := se / prior.SD
		share := 1 / (1 + r*r)
		mean, sd = prior.Mean+share*(value-prior.Mean), se*math.Sqrt(share)
	}
	if !(sd > 0) {
		return Posterior{}
	}
	z, k := mean/sd, levelOf(alpha).k
	density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	return Posterior{
		Mean: Known(mean), SD: Known(sd), Interval: Between(mean-k*sd, mean+k*sd), Win: Known(math.Max(normalCDF(z), minP)),
		RiskTreatment: Known(math.Max(0, sd*density-mean*normalCDF(-z))), RiskControl: Known(math.Max(0, sd*density+mean*normalCDF(z))),
	}
}
