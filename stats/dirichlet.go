package stats

import "math"

// logBayesFactor returns ln BF of the counts o against the planned shares θ, for the Dirichlet prior with parameters K·θ:
//
//	ln BF = ln B(Kθ + o) − ln B(Kθ) − Σ oᵢ·ln θᵢ,   ln B(a) = Σ lnΓ(aᵢ) − lnΓ(Σa)
//
// It is the logarithm of an e-value: under the plan the chance that it ever reaches −ln α is at most α.
//
// As written it subtracts numbers of size n·ln n: at 10⁹ subjects six digits are gone. With lnΓ(x) = (x−½)·ln x − x + ½·ln 2π +
// c(x) the large terms cancel on paper, and with b = Kθ + o, B = K + n, d = b/(Bθ) − 1 = (o − nθ)/(Bθ) there remains
//
//	ln BF = Σ Bθ·((1+d)·ln(1+d) − d) − ½·Σ ln(b/(Kθ)) + ½·ln(B/K) + Σ (c(b) − c(Kθ)) − c(B) + c(K)
//
// whose first sum has no negative term. Source: Lindon & Malek, arXiv:2011.03567.
func logBayesFactor(o, theta []float64, k float64) float64 {
	var n float64
	for _, v := range o {
		n += v
	}
	all := k + n
	sum := math.Log(all/k)/2 - stirlingRest(all) + stirlingRest(k)
	for i, t := range theta {
		prior := k * t
		b := prior + o[i]
		sum += all*t*entropy((o[i]-n*t)/(all*t)) - math.Log(b/prior)/2 + stirlingRest(b) - stirlingRest(prior)
	}
	return sum
}

// entropy returns (1+d)·ln(1+d) − d for d ≥ −1: near 0 it is d²/2, which the closed form loses.
func entropy(d float64) float64 {
	switch {
	case d <= -1:
		return 1
	case math.Abs(d) > 0.1:
		return (1+d)*math.Log1p(d) - d
	}
	// Σ (−d)^j/(j·(j−1)), j ≥ 2
	sum, power := 0.0, d*d
	for j := 2.0; j < 20; j++ {
		sum += power / (j * (j - 1))
		power *= -d
	}
	return sum
}

// stirlingRest returns c(x) = lnΓ(x) − ((x−½)·ln x − x + ½·ln 2π) for x > 0. Source: Abramowitz & Stegun 6.1.41.
func stirlingRest(x float64) float64 {
	if x < 10 {
		l, _ := math.Lgamma(x)
		return l - ((x-0.5)*math.Log(x) - x + math.Log(2*math.Pi)/2)
	}
	v := 1 / (x * x)
	return (1.0/12 - v*(1.0/360-v*(1.0/1260-v*(1.0/1680-v*(1.0/1188-v*(691.0/360360-v/156)))))) / x
}
