package stats

import "math"

// StudentTwoSidedP returns the chance of |T| ≥ |t| for Student's t with nu > 0 degrees of freedom, at least the smallest
// float64 above 0:
//
//	p = I_x(ν/2, 1/2),   x = ν/(ν + t²)
//
// right to some 10⁻¹³. Source: Abramowitz & Stegun 26.7.1 and 26.5.27; how it is computed stands at betaHalf.
func StudentTwoSidedP(t, nu float64) float64 {
	// t² may overflow where t does not; ln(1 + t²/ν) is all that matters.
	t = math.Abs(t)
	var l float64
	if t < 1e150 {
		l = math.Log1p(t * t / nu)
	} else {
		l = 2*math.Log(t) - math.Log(nu)
	}
	return min(1, math.Max(betaHalf(nu/2, l), minP))
}

// StudentUpper returns the t with P(T > t) = q for Student's t with nu > 0 degrees of freedom, q in (0, 1/2).
//
// A general inversion of the incomplete beta function costs 19 to 64 µs a call (gonum's, the oracle of the tests), more than
// everything else in a comparison together. Here the Cornish–Fisher expansion in 1/ν stands alone where its last term says that it
// has all digits (for α = 5 % from some 30 degrees of freedom), and starts Newton's method elsewhere.
func StudentUpper(q, nu float64) float64 { return studentUpper(q, NormalUpper(q), nu) }

// studentUpper is StudentUpper with the normal's x for the same q at hand.
func studentUpper(q, x, nu float64) float64 {
	t, exact := cornishFisher(x, nu)
	if exact {
		return t
	}
	// On ln p against ln t, which is nearly straight for every ν.
	logC := logGammaHalf(nu/2) - math.Log(nu*math.Pi)/2
	for range 60 {
		l := math.Log1p(t * t / nu)
		p := betaHalf(nu/2, l) / 2
		if !(p > 0) {
			t /= 2
			continue
		}
		step := math.Log(p/q) * p / (t * math.Exp(logC-(nu+1)/2*l))
		t *= math.Exp(math.Max(-3, math.Min(3, step)))
		if math.Abs(step) < 3e-8 { // the next one would be of the size of its square
			break
		}
	}
	return t
}

// cornishFisher returns Student's quantile for the normal's x by x·(1 + g₁/ν + g₂/ν² + …), and whether that is right to some 10⁻¹⁴; else the
// best that the series can say, a start. The series is asymptotic: its error is of the size of the first term left out.
// Source: Fisher & Cornish, Technometrics 1960; the first four terms are Abramowitz & Stegun 26.7.5, and more follow from the equation of
// the quantile, (ν + t²)(t″ + x·t′) = (ν + 1)·t·t′² (Hill & Davis 1968), whose solution by powers of 1/ν is a polynomial in x².
func cornishFisher(x, nu float64) (t float64, exact bool) {
	if !(x > 0) {
		return math.SmallestNonzeroFloat64, false
	}
	q, v := x*x, 1/nu
	sum, power, last := 1.0, 1.0, math.Inf(1)
	for _, c := range cornishFisherTerms {
		g := c[len(c)-1]
		for i := len(c) - 2; i >= 0; i-- {
			g = g*q + c[i]
		}
		power *= v
		term := g * power
		size := math.Abs(term)
		if size > last {
			break // past the best term: more make it worse
		}
		sum += term
		if size < 1e-16 {
			return x * sum, true
		}
		last = size
	}
	return math.Max(x*sum, x), last < 1e-15
}

// cornishFisherTerms are the polynomials g₁ … g₁₂ in x², lowest power first.
var cornishFisherTerms = [...][]float64{
	{1. / 4, 1. / 4},
	{3. / 96, 16. / 96, 5. / 96},
	{-15. / 384, 17. / 384, 19. / 384, 3. / 384},
	{-945. / 92160, -1920. / 92160, 1482. / 92160, 776. / 92160, 79. / 92160},
	{5985. / 122880, -255. / 122880, -594. / 122880, 310. / 122880, 113. / 122880, 9. / 122880},
	{0.0132598876953125, 0.035888671875, 0.0033192952473958333, -0.0004437158978174603, 0.00026276872692074514, 8.314559909611993e-05, 5.732137690145502e-06},
	{-0.15001296997070312, -0.024524688720703125, 0.007587941487630209, 0.001462433830140129, 0.00015324856658881724, 5.531243756544863e-05, 9.272338221312831e-06, 4.5614898520171956e-07},
	{-0.03987276554107666, -0.11947123209635417, -0.02573118209838867, -0.0016588665190197173, 7.797952682252914e-05, 4.669646947682429e-05, 9.512534077065191e-06, 8.315187843318269e-07, 2.5675200070443397e-08},
	{0.8558453023433685, 0.206626425186793, -0.0038634379704793292, -0.00565298663245307, -0.0009191408148938806, -8.126849640403895e-05, -3.5774252261924858e-06, -9.213525501858971e-08, -5.5063338506789436e-09, 4.415158872251157e-11},
	{0.2223893366754055, 0.6982523401578268, 0.18408754343787828, 0.023644900511181545, 0.0016566312949072956, 6.501703704227254e-06, -1.4521033551346248e-05, -2.1905484757715536e-06, -1.6771793554487242e-07, -4.7946204342010545e-09, 1.8277037539351382e-11},
	{-7.8234564838930964, -2.1655549881979823, -0.1628975075359146, 0.016000254762669405, 0.005840017888990659, 0.0007979812970719736, 6.568290418249163e-05, 3.3415120307450293e-06, 1.4258997479902544e-07, 1.436821830870919e-08, 1.0889948742768503e-09, 2.5534096562329136e-11},
	{-2.0040485486970283, -6.439927518367767, -1.8391733844997362, -0.28669984200378024, -0.02906617244840657, -0.0018142860893596722, -3.682050944851285e-05, 6.285305384794367e-06, 1.026260825734422e-06, 9.873525404011394e-08, 5.875916087128775e-09, 1.5806175700346704e-10, 7.678746562664803e-13},
}
