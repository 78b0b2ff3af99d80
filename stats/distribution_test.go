package stats

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// The figures here were computed with mpmath 1.3.0 at 40 digits.

func relative(got, want float64) float64 {
	if got == want {
		return 0
	}
	return math.Abs(got-want) / math.Abs(want)
}

func TestNormalUpper(t *testing.T) {
	for _, c := range []struct{ q, want float64 }{
		{0.025, 1.9599639845400542118},
		{0.05, 1.644853626951472688},
		{0.005, 2.5758293035489007538},
		{0.4, 0.25334710313579974132},
		{0.499999999, 2.5066283428845326712e-9},
		{1e-10, 6.3613409024040561991},
		{1e-100, 21.273453560965324294},
		{1e-300, 37.047096299361199237},
	} {
		// Close to the middle only the absolute error can be small: 1/2 − q is all that is left of q.
		if got := NormalUpper(c.q); math.Abs(got-c.want) > 5e-16*math.Max(1, c.want) {
			t.Errorf("upper %v: %.17g, want %.17g", c.q, got, c.want)
		}
		if got := NormalUpper(1 - c.q); c.q > 0.001 && math.Abs(got+c.want) > 1e-14 {
			t.Errorf("upper %v: %.17g, want %.17g", 1-c.q, got, -c.want)
		}
	}
}

func TestTwoSidedPKeepsItsLogarithmWhereItVanishes(t *testing.T) {
	for _, c := range []struct{ z, log10 float64 }{
		{1, -0.49851554582798930482},
		{5, -6.2416156767266733011},
		{29.9, -195.70602044157939167},
		{30, -197.00817926599696819},
		{30.1, -198.31467624158858429},
		{38, -315.2387597082985267},
		{40, -349.13597646368186089},
		{100, -2173.5705128733703953},
		{1e4, -21714728.193222534241},
	} {
		for _, z := range []float64{c.z, -c.z} {
			p, log10 := TwoSidedP(z)
			if relative(log10.V, c.log10) > 1e-13 {
				t.Errorf("log10 p at z = %v: %v, want %v", z, log10.V, c.log10)
			}
			if !(p.V > 0) || c.log10 > -300 && relative(math.Log10(p.V), c.log10) > 1e-13 {
				t.Errorf("p at z = %v: %v, want 10^%v", z, p.V, c.log10)
			}
		}
	}
	if p, l := TwoSidedP(0); p.V != 1 || l.V != 0 {
		t.Errorf("p at z = 0: %v, log %v", p, l)
	}
	for _, z := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if p, l := TwoSidedP(z); p.OK || l.OK {
			t.Errorf("p at z = %v: %v, log %v", z, p, l)
		}
	}
}

func TestStudentTwoSidedP(t *testing.T) {
	for _, c := range []struct{ t, nu, want float64 }{
		{0.5, 1, 0.70483276469913345165},
		{2, 1, 0.29516723530086654835},
		{12.7, 1, 0.050024327689344160055},
		{1000, 1, 0.00063661956016111787775},
		{2.5, 2.3, 0.11333288937919847411},
		{1.96, 10, 0.078436240247699712932},
		{8, 10, 0.000011774942789666159782},
		{40, 10, 2.280857743085754645e-12},
		{2.2, 99.5, 0.030121016898873134928},
		{10, 99.5, 1.0406097759991033308e-16},
		{1.310922637465592, 290571.7142927855, 0.18988493791578316301},
		{1.96, 999, 0.050273462733810046148},
		{1.96, 1000, 0.050273184955748718435},
		{1.96, 1001, 0.050272907732898505588},
		{0.9, 1000, 0.36833692698420255823},
		{0.999, 1000, 0.31803635951368729218},
		{1.001, 1000, 0.31706896035515586405},
		{3, 5000, 0.0027131090242857939267},
		{6, 40000, 1.9900980383011758919e-9},
		{6.3, 40000, 3.0073619219499091597e-10},
		{8, 1e6, 1.245506343320251961e-15},
		{30, 1e6, 1.2020094233663437883e-197},
		{31, 1e6, 6.7927144656156536537e-211},
		{37, 1e8, 1.1504999776822914983e-299},
		{12, 2000, 4.3657024952174259578e-32},
		{30, 1000, 1.5374687444043482211e-141},
		{0.001, 1e5, 0.99920211756688778075},
		{1e-8, 3, 0.99999999264894806104},
	} {
		for _, x := range []float64{c.t, -c.t} {
			if got := StudentTwoSidedP(x, c.nu); relative(got, c.want) > 2e-13 {
				t.Errorf("p(%v, ν = %v) = %.15g, want %.15g (%.1g)", x, c.nu, got, c.want, relative(got, c.want))
			}
		}
	}
	if p := StudentTwoSidedP(0, 7); p != 1 {
		t.Errorf("p(0) = %v", p)
	}
	if p := StudentTwoSidedP(1e300, 50); !(p > 0) {
		t.Errorf("p of a huge t is %v", p)
	}
}

func TestStudentUpper(t *testing.T) {
	for _, c := range []struct{ q, nu, want float64 }{
		{0.025, 1, 12.706204736174703938},
		{0.0005, 1, 636.61924876871960296},
		{1e-10, 1, 3183098861.8379065993},
		{0.025, 1.37, 6.8850731566417076277},
		{0.025, 2, 4.3026527297494637234},
		{0.025, 4.9, 2.586441295616082936},
		{1e-10, 5, 156.82559270889431634},
		{0.005, 10, 3.1692726726169512223},
		{0.025, 99.5, 1.9840936109906242182},
		{0.0005, 99.5, 3.3910073945528804926},
		{0.025, 300.1, 1.9679003552906825866},
		{0.025, 999.9, 1.9623393186426085299},
		{0.025, 1000.1, 1.9623388430578234745},
		{0.0005, 1000, 3.3002826484239129039},
		{0.0005, 1100, 3.299393578724158608},
		{1e-6, 3000, 4.7627868161818434403},
		{1e-10, 10000, 6.3679413514828028678},
		{0.025, 290571.7, 1.9599721487244669866},
		{0.4, 7, 0.26316686135202275215},
		{0.4, 2000, 0.25338080682066533226},
	} {
		if got := StudentUpper(c.q, c.nu); relative(got, c.want) > 1e-14 {
			t.Errorf("upper %v at ν = %v: %.15g, want %.15g (%.1g)", c.q, c.nu, got, c.want, relative(got, c.want))
		}
	}
}

func TestStudentAgreesWithGonum(t *testing.T) {
	for nu := 1.0; nu < 3e5; nu *= 1.7 {
		d := distuv.StudentsT{Sigma: 1, Nu: nu}
		for _, q := range []float64{0.25, 0.05, 0.025, 0.005, 0.0005} {
			want := -d.Quantile(q)
			if got := StudentUpper(q, nu); relative(got, want) > 1e-8 {
				t.Errorf("upper %v at ν = %v: %v, gonum has %v", q, nu, got, want)
			}
			if got := StudentTwoSidedP(want, nu); relative(got, 2*q) > 1e-8 {
				t.Errorf("p at gonum's quantile of %v, ν = %v: %v", q, nu, got)
			}
		}
	}
}

func TestStudentUpperInvertsTheTail(t *testing.T) {
	// Over every way that the two are computed: the error of the quantile is that of p over its slope, and nothing else.
	r := newRand(t)
	exact := 0
	for range 20000 {
		nu, q := math.Exp(15*r.Float64()-0.7), 0.5*math.Exp(-0.01-60*r.Float64()*r.Float64())
		x := StudentUpper(q, nu)
		if got := StudentTwoSidedP(x, nu); relative(got, 2*q) > 3e-12 {
			t.Fatalf("p(%v, ν = %v) = %.15g, want %.15g (%.1g)", x, nu, got, 2*q, relative(got, 2*q))
		}
		if _, ok := cornishFisher(NormalUpper(q), nu); ok {
			exact++
		}
	}
	if exact < 5000 || exact > 15000 {
		t.Errorf("the expansion alone answered %d of 20000", exact)
	}
}

func TestCornishFisherSaysWhenItIsExact(t *testing.T) {
	// The bound that the expansion claims for itself, against Newton's method on the tail.
	exact := 0
	for nu := 1.0; nu < 1e6; nu *= 1.13 {
		for _, q := range []float64{0.4, 0.1, 0.025, 0.005, 5e-4, 1e-5, 1e-8, 1e-12} {
			x := NormalUpper(q)
			got, ok := cornishFisher(x, nu)
			if !ok {
				continue
			}
			exact++
			// One step of Newton's method from it, by the true tail: its size is the error.
			density := math.Exp(logGammaHalf(nu/2) - math.Log(nu*math.Pi)/2 - (nu+1)/2*math.Log1p(got*got/nu))
			if step := (StudentTwoSidedP(got, nu)/2 - q) / density / got; math.Abs(step) > 1e-14 {
				t.Errorf("upper %v at ν = %v: %v is off by %.1g", q, nu, got, step)
			}
		}
	}
	if exact < 400 {
		t.Errorf("the expansion answered only %d times", exact)
	}
	if _, ok := cornishFisher(NormalUpper(.025), 40); !ok {
		t.Error("at 40 degrees of freedom 5 % need Newton's method")
	}
}

func BenchmarkStudentUpper(b *testing.B) {
	for _, c := range []struct {
		name string
		nu   float64
	}{{"nu=8", 8}, {"nu=200", 200.5}, {"nu=1e5", 1e5}} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				StudentUpper(0.025, c.nu)
			}
		})
	}
}
