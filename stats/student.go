package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// StudentTwoSidedP returns the chance of |T| ≥ |t| for Student's t with nu > 0 degrees of freedom, at least the smallest
// float64 above 0:
//
//	p = I_x(ν/2, 1/2),   x = ν/(ν + t²)
//
// or, where the expansion is exact to the last digits, the normal p of the deviate that t stands for. Source: Abramowitz &
// Stegun 26.7.1 and 26.5.27; expansion: Goldberg & Levine 1946.
func StudentTwoSidedP(t, nu float64) float64 {
	t = math.Abs(t)
	if nu >= 1000 && t*t < nu*1e-3 {
		p, _ := TwoSidedP(normalOfStudent(t, nu))
		return p.V
	}
	if t < 1 {
		// x would be 1 but for what rounding leaves of t².
		return 1 - mathext.RegIncBeta(0.5, nu/2, t*t/(nu+t*t))
	}
	return math.Max(mathext.RegIncBeta(nu/2, 0.5, nu/(nu+t*t)), minP)
}

// normalOfStudent returns the normal deviate with the tail of t at ν degrees of freedom, up to terms in ν⁻⁴.
func normalOfStudent(t, nu float64) float64 {
	q, v := t*t, 1/nu
	g1 := (q + 1) / 4
	g2 := ((13*q+8)*q + 3) / 96
	g3 := (((35*q+19)*q+1)*q - 15) / 384
	g4 := ((((6271*q+3224)*q-102)*q-1680)*q - 945) / 92160
	return t * (1 + v*(-g1+v*(g2+v*(-g3+v*g4))))
}

// studentOfNormal is the reverse: Student's quantile for a normal deviate x, up to terms in ν⁻⁴ (Cornish & Fisher;
// Abramowitz & Stegun 26.7.5).
func studentOfNormal(x, nu float64) float64 {
	q, v := x*x, 1/nu
	g1 := (q + 1) / 4
	g2 := ((5*q+16)*q + 3) / 96
	g3 := (((3*q+19)*q+17)*q - 15) / 384
	g4 := ((((79*q+776)*q+1482)*q-1920)*q - 945) / 92160
	return x * (1 + v*(g1+v*(g2+v*(g3+v*g4))))
}

// StudentUpper returns the t with P(T > t) = q for Student's t with nu > 0 degrees of freedom, q in (0, 1/2).
//
// gonum inverts the incomplete beta function, at 19 to 64 µs a call, which on a page of a thousand cells costs more than
// everything else together; it is the oracle of the tests. Here the Cornish–Fisher expansion stands alone where it has all
// digits, and starts Newton's method elsewhere: on ln p against ln t, which is nearly straight for every ν.
func StudentUpper(q, nu float64) float64 { return studentUpper(q, NormalUpper(q), nu) }

// studentUpper is StudentUpper with the normal's x for the same q at hand.
func studentUpper(q, x, nu float64) float64 {
	t := studentOfNormal(x, nu)
	if nu >= 1000 && x*x < nu*1e-2 {
		return t
	}
	if !(t > 0) || nu < 3 {
		t = math.Max(x, math.SmallestNonzeroFloat64)
	}
	lga, _ := math.Lgamma((nu + 1) / 2)
	lgb, _ := math.Lgamma(nu / 2)
	logC := lga - lgb - math.Log(nu*math.Pi)/2
	for range 60 {
		p := mathext.RegIncBeta(nu/2, 0.5, nu/(nu+t*t)) / 2
		if !(p > 0) {
			t /= 2
			continue
		}
		density := math.Exp(logC - (nu+1)/2*math.Log1p(t*t/nu))
		step := math.Log(p/q) * p / (t * density)
		t *= math.Exp(math.Max(-3, math.Min(3, step)))
		if math.Abs(step) < 1e-14 {
			break
		}
	}
	return t
}
