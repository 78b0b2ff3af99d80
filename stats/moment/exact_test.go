package moment

import (
	"math"
	"math/big"
	"testing"
)

// upTo returns a number of up to the given bits, either sign.
func upTo(bits int, v Int128) Int128 {
	b := new(big.Int).Rsh(bigOf(v.Wide()), uint(127-bits))
	x, err := Parse(b.String(), 0)
	if err != nil {
		panic(err)
	}
	n, _ := x.Narrow()
	return n
}

func TestLinearisedAgreesWithBigOnEveryPath(t *testing.T) {
	// The plain version is linearisedWide, and math/big the oracle of both: in 256 bits where that claims to hold it, and at its edge.
	r := newRand(t)
	narrow, wider := 0, 0
	for i := range 20000 {
		sumBits, crossBits := 1+r.IntN(126), 1+r.IntN(126)
		if i%3 == 0 {
			sumBits, crossBits = 60+r.IntN(4), 124+r.IntN(3)
		}
		d, a, w, u := upTo(sumBits, random128(r)), upTo(sumBits, random128(r)), upTo(sumBits, random128(r)), upTo(sumBits, random128(r))
		var c [4]int256
		for k := range c {
			c[k] = product(upTo(crossBits, random128(r)), Int128From(1))
			if i%7 == 6 {
				c[k] = product(random128(r), random128(r))
			}
		}
		b := func(x Int128) *big.Int { return bigOf(x.Wide()) }
		term := func(x, y Int128, z *int256) *big.Int {
			p := new(big.Int).Mul(b(x), b(y))
			return p.Mul(p, bigOf256(z))
		}
		want := term(d, w, &c[0])
		want.Sub(want, term(d, u, &c[1]))
		want.Sub(want, term(a, w, &c[2]))
		want.Add(want, term(a, u, &c[3]))
		plain := linearisedWide(&d, &a, &w, &u, &c[0], &c[1], &c[2], &c[3])
		if got := bigOfWide(&plain); got.Cmp(want) != 0 {
			t.Fatalf("%d: wide %v, want %v", i, got, want)
		}
		got := linearised(&d, &a, &w, &u, &c[0], &c[1], &c[2], &c[3])
		if got.big().Cmp(want) != 0 || got.sign() != want.Sign() || got.float() != nearest(want) || got.float() != plain.float() {
			t.Fatalf("%d: %v (%v), want %v (%v)", i, got.big(), got.float(), want, nearest(want))
		}
		// With u = a and w = d.
		want = term(d, d, &c[0])
		want.Sub(want, new(big.Int).Mul(big.NewInt(2), term(a, d, &c[1])))
		want.Add(want, term(a, a, &c[3]))
		if got := square(&d, &a, &c[0], &c[1], &c[3]); got.big().Cmp(want) != 0 || got.float() != nearest(want) {
			t.Fatalf("%d: square %v, want %v", i, got.big(), want)
		}
		if got.large == nil {
			narrow++
		} else {
			wider++
		}
	}
	if narrow < 3000 || wider < 3000 {
		t.Errorf("%d in 256 bits, %d wider: one way was hardly tested", narrow, wider)
	}
}

func TestFinaliseOfSmallSumsIsThatOfLargeOnes(t *testing.T) {
	// The same subjects in units so small that the sums need the wide way: but for the unit the same number to the last bit, when the
	// factor is a power of two.
	r := newRand(t)
	for range 300 {
		var small, large Sums
		const up = 1 << 33
		for range 9 + r.IntN(60) {
			p := Point{In: true, Num: r.Int64N(1e9) - 2e8, Den: r.Int64N(40), Pre: r.Int64N(1e9), PreDen: 1 + r.Int64N(9)}
			small.Add(p)
			p.Num, p.Pre, p.Den, p.PreDen = p.Num*up, p.Pre*up, p.Den*up, p.PreDen*up
			large.Add(p)
		}
		if small.Den.Sign() == 0 {
			continue
		}
		var la, lb Linear
		a, errA, errLA := small.FinaliseLinear(Scale{}, false, &la)
		b, errB, errLB := large.FinaliseLinear(Scale{}, false, &lb)
		if errA != nil || errB != nil || errLA != nil || errLB != nil {
			t.Fatal(errA, errB, errLA, errLB)
		}
		if la.yy.large != nil || lb.yy.large == nil {
			t.Fatal("the two went the same way")
		}
		b.Den, b.DenVar = b.Den/up, b.DenVar/up/up
		if a != b || la.YY != lb.YY || la.YX != lb.YX || la.XX != lb.XX || la.X != lb.X {
			t.Fatalf("%+v %+v\n%+v %+v", a, la, b, lb)
		}
		if la.Residual(0.7) != lb.Residual(0.7) || math.Abs(la.residualExact(0.7)-la.Residual(0.7)) > 1e-12*la.YY {
			t.Fatalf("residuals %v, %v, %v", la.Residual(0.7), lb.Residual(0.7), la.residualExact(0.7))
		}
		// Finalise and Linear by themselves.
		if f, err := small.Finalise(Scale{}); f != a || err != nil {
			t.Fatalf("%+v %v, %+v", f, err, a)
		}
		if l, err := small.Linear(Scale{}, false); l != la || err != nil {
			t.Fatalf("%+v %v, %+v", l, err, la)
		}
		if v, err := small.RatioVar(Scale{}); v != a.RatioVar || err != nil {
			t.Fatalf("%v %v, %v", v, err, a.RatioVar)
		}
	}
}
