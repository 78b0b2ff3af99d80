package moment

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// bigOf is the oracle's reading of an Int192.
func bigOf(x Int192) *big.Int {
	b := new(big.Int).SetUint64(x.hi)
	b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(x.mid))
	b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(x.lo))
	if int64(x.hi) < 0 {
		b.Sub(b, new(big.Int).Lsh(big.NewInt(1), 192))
	}
	return b
}

func bigOfWide(x *wide) *big.Int {
	b := new(big.Int)
	for i := x.n - 1; i >= 0; i-- {
		b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(x.w[i]))
	}
	if x.neg {
		b.Neg(b)
	}
	return b
}

// word draws words that carry and borrow: mostly all zeros, all ones and powers of two.
func word(r *rand.Rand) uint64 {
	switch r.IntN(6) {
	case 0:
		return 0
	case 1:
		return math.MaxUint64
	case 2:
		return 1 << r.IntN(64)
	case 3:
		return uint64(int64(-1) << r.IntN(64))
	case 4:
		return r.Uint64N(100)
	}
	return r.Uint64()
}

func random192(r *rand.Rand) Int192 {
	x := Int192{word(r), word(r), word(r)}
	for range r.IntN(3) {
		x.hi, x.mid, x.lo = uint64(int64(x.hi)>>63), x.hi, x.mid
	}
	return x
}

func random128(r *rand.Rand) Int128 {
	x := Int128{word(r), word(r)}
	if r.IntN(2) == 0 {
		x = Int128{uint64(int64(x.lo) >> 63), x.lo}
	}
	return x
}

func newRand(t testing.TB) *rand.Rand {
	const seed = 20260302
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// wrap reduces b to the two's complement range of the given bits.
func wrap(b *big.Int, bits uint) *big.Int {
	m := new(big.Int).Lsh(big.NewInt(1), bits)
	b = new(big.Int).Mod(b, m)
	if b.Bit(int(bits-1)) == 1 {
		b.Sub(b, m)
	}
	return b
}

func TestIntegersAgreeWithBig(t *testing.T) {
	r := newRand(t)
	for i := range 20000 {
		x, y := random192(r), random192(r)
		bx, by := bigOf(x), bigOf(y)
		if got, want := bigOf(x.Add(y)), wrap(new(big.Int).Add(bx, by), 192); got.Cmp(want) != 0 {
			t.Fatalf("%d: %v + %v = %v, want %v", i, bx, by, got, want)
		}
		if got, want := bigOf(x.Sub(y)), wrap(new(big.Int).Sub(bx, by), 192); got.Cmp(want) != 0 {
			t.Fatalf("%d: %v − %v = %v, want %v", i, bx, by, got, want)
		}
		if x.Sign() != bx.Sign() {
			t.Fatalf("%d: sign of %v is %d", i, bx, x.Sign())
		}
		if got, want := x.Float64(), nearest(bx); got != want {
			t.Fatalf("%d: float of %v = %v, want %v", i, bx, got, want)
		}
		a, b := random128(r), random128(r)
		ba, bb := bigOf(a.Wide()), bigOf(b.Wide())
		if got, want := bigOf(a.Add(b).Wide()), wrap(new(big.Int).Add(ba, bb), 128); got.Cmp(want) != 0 {
			t.Fatalf("%d: %v + %v = %v, want %v", i, ba, bb, got, want)
		}
		if got, want := bigOf(a.Sub(b).Wide()), wrap(new(big.Int).Sub(ba, bb), 128); got.Cmp(want) != 0 {
			t.Fatalf("%d: %v − %v = %v, want %v", i, ba, bb, got, want)
		}
		if a.Sign() != ba.Sign() {
			t.Fatalf("%d: sign of %v is %d", i, ba, a.Sign())
		}
		if v, ok := a.Int64(); ok != ba.IsInt64() || ok && v != ba.Int64() {
			t.Fatalf("%d: int64 of %v = %d, %v", i, ba, v, ok)
		}
		if n, ok := x.Narrow(); ok != (wrap(bx, 128).Cmp(bx) == 0) || ok && bigOf(n.Wide()).Cmp(bx) != 0 {
			t.Fatalf("%d: 128 bits of %v = %v, %v", i, bx, n, ok)
		}
	}
}

// nearest rounds an integer of any size to float64 once.
func nearest(b *big.Int) float64 {
	f, _ := new(big.Float).SetInt(b).Float64()
	return f
}

func TestProductIsExactOverAllOfInt64(t *testing.T) {
	r := newRand(t)
	values := []int64{0, 1, -1, 2, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 1 << 32, -1 << 32}
	for range 200 {
		values = append(values, int64(word(r)))
	}
	for _, x := range values {
		for _, y := range values {
			want := new(big.Int).Mul(big.NewInt(x), big.NewInt(y))
			if got := bigOf(Product(x, y)); got.Cmp(want) != 0 {
				t.Fatalf("%d · %d = %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestWideAgreesWithBig(t *testing.T) {
	r := newRand(t)
	for i := range 20000 {
		a, b, c := wideOf(random192(r)), wideOf(random192(r)), wideOf(random128(r).Wide())
		ba, bb, bc := bigOfWide(&a), bigOfWide(&b), bigOfWide(&c)
		p, q := a.mul(&c), b.mul(&c)
		bp, bq := new(big.Int).Mul(ba, bc), new(big.Int).Mul(bb, bc)
		for _, op := range []struct {
			name string
			got  wide
			want *big.Int
		}{
			{"product", p, bp},
			{"sum", p.add(&q), new(big.Int).Add(bp, bq)},
			{"difference", p.sub(&q), new(big.Int).Sub(bp, bq)},
			{"square of the sum", func() wide { s := a.add(&c); return s.mul(&s) }(), new(big.Int).Exp(new(big.Int).Add(ba, bc), big.NewInt(2), nil)},
			{"difference with itself", p.sub(&p), new(big.Int)},
		} {
			if got := bigOfWide(&op.got); got.Cmp(op.want) != 0 {
				t.Fatalf("%d: %s of %v, %v, %v = %v, want %v", i, op.name, ba, bb, bc, got, op.want)
			}
			if op.got.sign() != op.want.Sign() {
				t.Fatalf("%d: sign of %s is %d", i, op.name, op.got.sign())
			}
			if got, want := op.got.float(), nearest(op.want); got != want {
				t.Fatalf("%d: float of %s = %v, want %v", i, op.name, got, want)
			}
		}
	}
}

func bigOf256(x *int256) *big.Int {
	w := x.wide()
	return bigOfWide(&w)
}

func TestCrossProductsAgreeWithBig(t *testing.T) {
	r := newRand(t)
	for i := range 20000 {
		n, vw, v, w, u := int64(word(r)>>1), random192(r), random128(r), random128(r), random128(r)
		bv, bw := bigOf(v.Wide()), bigOf(w.Wide())
		want := new(big.Int).Mul(big.NewInt(n), bigOf(vw))
		want.Sub(want, new(big.Int).Mul(bv, bw))
		x := cross(n, &vw, &v, &w)
		if got := bigOf256(&x); got.Cmp(want) != 0 || x.sign() != want.Sign() {
			t.Fatalf("%d: %d·%v − %v·%v = %v, want %v", i, n, vw, v, w, got, want)
		}
		if got := x.float(); got != nearest(want) {
			t.Fatalf("%d: float of %v = %v", i, want, got)
		}
		y := product(v, w)
		if got, want := bigOf256(&y), new(big.Int).Mul(bv, bw); got.Cmp(want) != 0 {
			t.Fatalf("%d: %v·%v = %v, want %v", i, v, w, got, want)
		}
		// Nearly collinear: c² = x·y, and one less and one more.
		a, b := product(v, v), product(u, u)
		c := product(v, u)
		one := int256{1}
		more := c.add(one)
		if c.sign() < 0 {
			more = c.add(one.neg())
		}
		ra, rb := math.Sqrt(a.float()), math.Sqrt(b.float())
		if c.exceeds(&a, &b, ra, rb) || c.sign() != 0 && !more.exceeds(&a, &b, ra, rb) {
			t.Fatalf("%d: (%v·%v)² against %v and %v", i, v, u, bigOf256(&a), bigOf256(&b))
		}
	}
}

func TestFloatRoundsOnceAndHalfToEven(t *testing.T) {
	for _, hex := range []string{
		"20000000000001",                   // 2^53 + 1: a tie, down to even
		"20000000000003",                   // a tie, up to even
		"200000000000010000000000000000",   // the tie's half far below …
		"200000000000010000000000000001",   // … and one more in the last place decides it
		"3ffffffffffffbff",                 // rounding twice (64, then 53 bits) would go up
		"3ffffffffffffc00",                 //
		"3ffffffffffffbffffffffffffffffff", // the same with a sticky tail
	} {
		b, _ := new(big.Int).SetString(hex, 16)
		x, err := Parse(b.String(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := x.Float64(), nearest(b); got != want {
			t.Errorf("%s: %v, want %v", hex, got, want)
		}
		if got, want := x.Neg().Float64(), -nearest(b); got != want {
			t.Errorf("−%s: %v, want %v", hex, got, want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		x     Int192
		scale int
		want  string
	}{
		{Int192{}, 6, "0"},
		{Int192From(17489), 0, "17489"},
		{Int192From(127670842), 2, "1276708.42"},
		{Int192From(127670840), 2, "1276708.4"},
		{Int192From(127670800), 2, "1276708"},
		{Int192From(-5), 6, "-0.000005"},
		{Int192From(-1000000), 6, "-1"},
		{Int192From(1), 1, "0.1"},
		{Int192From(10), 1, "1"},
		{Int192From(7), -3, "7000"},
		{Int192{}, -3, "0"},
		{Product(math.MaxInt64, math.MaxInt64), 0, "85070591730234615847396907784232501249"},
		{Product(math.MinInt64, math.MaxInt64), 12, "-85070591730234615856620279.821087277056"},
		{Product(1e18, 10).Add(Int192{}), 0, "10000000000000000000"},
		{Int192{hi: 1 << 63}, 0, "-3138550867693340381917894711603833208051177722232017256448"},
	} {
		if got := c.x.Decimal(c.scale); got != c.want {
			t.Errorf("decimal of %v at scale %d = %q, want %q", bigOf(c.x), c.scale, got, c.want)
		}
	}
}

func TestDecimalAgreesWithBigAndParsesBack(t *testing.T) {
	r := newRand(t)
	for range 5000 {
		x, scale := random192(r), r.IntN(25)
		b := bigOf(x)
		want := new(big.Rat).SetFrac(b, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
		if scale > 0 {
			want = strings.TrimRight(strings.TrimRight(want, "0"), ".")
		}
		got := x.Decimal(scale)
		if got != want {
			t.Fatalf("%v at scale %d = %q, want %q", b, scale, got, want)
		}
		if x == (Int192{hi: 1 << 63}) {
			continue // has no positive counterpart
		}
		if y, err := Parse(got, scale); err != nil || y != x {
			t.Fatalf("%q at scale %d parses to %v, %v", got, scale, y, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "-", ".", "1.234", "1e5", "+1", "1,000", " 1", "NaN", "1.2.3", strings.Repeat("9", 60)} {
		if x, err := Parse(text, 2); err == nil {
			t.Errorf("%q was read as %v", text, x)
		}
	}
	if x, err := Parse("1.5000", 1); err != nil || x != Int192From(15) {
		t.Errorf("trailing zeros: %v, %v", x, err)
	}
}
