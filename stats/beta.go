package stats

import "math"

// betaHalf returns the regularised incomplete beta function I_x(a, 1/2) for a > 0 and x = exp(−l), l ≥ 0: the tail of Student's t.
// Taking l in place of x keeps the digits of both ends.
//
// Three ways, each where it is quick and has no cancellation. Below a = 15 the recurrence I_x(a) = I_x(a+1) + x^a·√(1−x)/(a·B(a, 1/2)) leads
// up to 15: a sum of positive terms. For l above 1.2 the power series in x, with
//
//	I = x^a/B(a, 1/2)·Σ (1/2)ₙ/(n!·(a+n))·xⁿ
//
// and else the expansion for large a, whose first term is erfc(√u), u = (a − 1/4)·l. Source: DiDonato & Morris, TOMS 708 (1992): BUP,
// BPSER and BGRAT with b = 1/2.
func betaHalf(a, l float64) float64 {
	if l > 1.2 {
		return betaHalfSeries(a, l)
	}
	if l == 0 {
		return 1
	}
	var sum float64
	if a < 15 {
		// x^a·√(1−x)·Γ(a+1/2)/(Γ(a+1)·√π), and each next one by the ratio of neighbours.
		x := math.Exp(-l)
		term := math.Exp(logGammaHalf(a)-a*l) * math.Sqrt(-math.Expm1(-l)/math.Pi) / a
		for a < 15 {
			sum += term
			term *= x * (a + 0.5) / (a + 1)
			a++
		}
	}
	return sum + betaHalfLarge(a, l)
}

func betaHalfSeries(a, l float64) float64 {
	x := math.Exp(-l)
	c, sum := 1.0, 1/a
	for n := 1.0; n < 200; n++ {
		c *= x * (n - 0.5) / n
		term := c / (a + n)
		sum += term
		if term < 1e-17*sum {
			break
		}
	}
	return sum * math.Exp(logGammaHalf(a)-a*l) / math.Sqrt(math.Pi)
}

// betaHalfLarge is BGRAT: with T = a − 1/4, u = T·l, h = √(u/π)·e^−u,
//
//	I = Γ(a+1/2)/(Γ(a)·√T)·Σ pₙ·h·Jₙ,   h·J₀ = erfc(√u),
//	Jₙ₊₁ = (2n+1/2)(2n+3/2)/(4T²)·Jₙ + (u + 2n + 3/2)/(4T²)·(l/2)²ⁿ
//
// where pₙ are the coefficients of (sinh(z)/z)^−1/2 in powers of z².
func betaHalfLarge(a, l float64) float64 {
	t := a - 0.25
	u := t * l
	root := math.Sqrt(u)
	j := math.Erfc(root)
	h := root / math.SqrtPi * math.Exp(-u)
	sum, square, power := j, 1/(4*t*t), h
	for n, p := range bgratTerms {
		m := 2 * float64(n)
		j = ((m+0.5)*(m+1.5)*j + (u+m+1.5)*power) * square
		term := p * j
		sum += term
		if math.Abs(term) < 1e-17*sum {
			break
		}
		power *= l * l / 4
	}
	return sum * math.Exp(logGammaRatioRest(t))
}

// bgratTerms are p₁ … p₁₅.
var bgratTerms = [...]float64{
	-1. / 12, 1. / 160, -61. / 120960, 1261. / 29030400, -3.896385732323232e-06, 3.5833354634507906e-07, -3.349747072060578e-08,
	3.1675854343161146e-09, -3.0210368517370963e-10, 2.900415787669253e-11, -2.799396748375269e-12, 2.713639320017204e-13,
	-2.6400478921841528e-14, 2.576345276111418e-15, -2.5208132554200558e-16,
}

// logGammaHalf returns ln Γ(a+1/2) − ln Γ(a) for a > 0.
func logGammaHalf(a float64) float64 {
	// Γ(a+1/2)/Γ(a) = Γ(a+3/2)/Γ(a+1)·a/(a+1/2), up to where the expansion holds.
	product := 1.0
	for a < 15 {
		product *= a / (a + 0.5)
		a++
	}
	t := a - 0.25
	return math.Log(product*math.Sqrt(t)) + logGammaRatioRest(t)
}

// logGammaRatioRest returns ln Γ(t+3/4) − ln Γ(t+1/4) − ln(t)/2 for t ≥ 14: only even powers of 1/t are in it.
// Source: the difference of two of Stirling's series (Abramowitz & Stegun 6.1.40 with Bernoulli polynomials at 1/4 and 3/4).
func logGammaRatioRest(t float64) float64 {
	v := 1 / (t * t)
	return v * (1./64 - v*(5./2048-v*(61./49152-v*(1385./1048576-v*(50521./20971520-v*2702765./402653184)))))
}
