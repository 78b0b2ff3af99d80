package moment

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// strd reads one of the NIST Statistical Reference Datasets: the certified values and the data as text.
func strd(t *testing.T, name string) (mean, sd string, data []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "nist", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		switch f[0] {
		case "#":
		case "mean":
			mean = f[1]
		case "sd":
			sd = f[1]
		default:
			data = append(data, f...)
		}
	}
	return mean, sd, data
}

// fifteen returns a number's first 15 significant digits, rounded.
func fifteen(t *testing.T, text string) string {
	t.Helper()
	x, _, err := big.ParseFloat(text, 10, 200, big.ToNearestEven)
	if err != nil {
		t.Fatal(err)
	}
	return x.Text('e', 14)
}

// The ways in which the same points come and go. Each must leave the bytes of adding them once, in order.
var ways = map[string]func(r *rand.Rand, points []Point) *Sums{
	"in another order": func(r *rand.Rand, points []Point) *Sums {
		var s Sums
		for _, i := range r.Perm(len(points)) {
			s.Add(points[i])
		}
		return &s
	},
	"16 shuffled parts, an empty side in every merge": func(r *rand.Rand, points []Point) *Sums {
		parts := dealt(r, points, func(s *Sums, p Point) { s.Add(p) })
		var merged Sums
		for _, i := range r.Perm(16) {
			var empty Sums
			empty.Merge(&Sums{})
			empty.Merge(&parts[i])
			empty.Merge(&Sums{})
			merged.Merge(&empty)
		}
		return &merged
	},
	"every value twice, and one of them taken out": func(r *rand.Rand, points []Point) *Sums {
		var s Sums
		for _, p := range points {
			s.Add(p)
			s.Add(p)
		}
		for _, i := range r.Perm(len(points)) {
			s.Sub(points[i])
		}
		return &s
	},
	"16 shuffled parts, every value twice in each, merged and unmerged": func(r *rand.Rand, points []Point) *Sums {
		parts := dealt(r, points, func(s *Sums, p Point) { s.Add(p); s.Add(p); s.Sub(p) })
		var merged Sums
		for _, i := range r.Perm(16) {
			merged.Merge(&parts[i])
			merged.Merge(&parts[15-i])
			merged.Unmerge(&parts[15-i])
		}
		return &merged
	},
	"churn: in as another value, corrected again and again": func(r *rand.Rand, points []Point) *Sums {
		var s Sums
		now := make([]Point, len(points))
		for i := range now {
			now[i] = Point{In: true, Num: int64(word(r)), Den: 1}
			s.Add(now[i])
		}
		for range 5 * len(points) {
			i := r.IntN(len(points))
			other := Point{In: r.IntN(3) > 0, Num: int64(word(r)), Den: 1}
			s.Apply(now[i], other)
			now[i] = other
		}
		for _, i := range r.Perm(len(points)) {
			s.Apply(now[i], points[i])
		}
		return &s
	},
}

// dealt gives the points to 16 parts, shuffled.
func dealt(r *rand.Rand, points []Point, add func(*Sums, Point)) (parts [16]Sums) {
	for _, i := range r.Perm(len(points)) {
		add(&parts[r.IntN(16)], points[i])
	}
	return parts
}

// requireOneSpelling goes all the ways and fails where the bytes differ.
func requireOneSpelling(t *testing.T, r *rand.Rand, points []Point) {
	t.Helper()
	var s Sums
	for _, p := range points {
		s.Add(p)
	}
	want := encode(t, &s)
	for name, way := range ways {
		for range 4 {
			if got := encode(t, way(r, points)); !bytes.Equal(got, want) {
				t.Fatalf("%s: %x, in order: %x", name, got, want)
			}
		}
	}
}

func TestNISTStRDTo15Digits(t *testing.T) {
	r := newRand(t)
	for _, set := range []struct {
		name  string
		n     int
		scale int
	}{
		{"PiDigits", 5000, 0}, {"Lottery", 218, 0}, {"Lew", 200, 0}, {"Mavro", 50, 6}, {"Michelso", 100, 3},
		{"NumAcc1", 3, 0}, {"NumAcc2", 1001, 1}, {"NumAcc3", 1001, 1}, {"NumAcc4", 1001, 6},
	} {
		t.Run(set.name, func(t *testing.T) {
			mean, sd, data := strd(t, set.name)
			if len(data) != set.n {
				t.Fatalf("read %d values, want %d", len(data), set.n)
			}
			points := make([]Point, len(data))
			var s Sums
			for i, text := range data {
				x, err := Parse(text, set.scale)
				if err != nil {
					t.Fatal(err)
				}
				narrow, _ := x.Narrow()
				num, _ := narrow.Int64()
				points[i] = Point{In: true, Num: num, Den: 1}
				s.Add(points[i])
			}
			sc := Scale{Num: set.scale}
			gotMean, err := s.Mean(Numerator, sc)
			if err != nil {
				t.Fatal(err)
			}
			variance, err := s.Var(Numerator, sc)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := strconv.FormatFloat(gotMean, 'e', 14, 64), fifteen(t, mean); got != want {
				t.Errorf("mean %s, certified %s", got, want)
			}
			if got, want := strconv.FormatFloat(math.Sqrt(variance), 'e', 14, 64), fifteen(t, sd); got != want {
				t.Errorf("standard deviation %s, certified %s", got, want)
			}
			requireOneSpelling(t, r, points)
		})
	}
}

// Cases each of which breaks Σx² − (Σx)²/n in float64. 3e9 three times is ClickHouse #8688 (−137438950000 there), 1e12 … 1e12+6
// MatrixOne #27543 (0 there).
func TestVarianceOfCasesThatCancel(t *testing.T) {
	r := newRand(t)
	exact := func(points []Point, scale int) float64 {
		// The oracle: Σ(n·x − Σx)² in math/big.
		n, sum := big.NewInt(int64(len(points))), new(big.Int)
		for _, p := range points {
			sum.Add(sum, big.NewInt(p.Num))
		}
		q := new(big.Int)
		for _, p := range points {
			d := new(big.Int).Mul(n, big.NewInt(p.Num))
			d.Sub(d, sum)
			q.Add(q, d.Mul(d, d))
		}
		den := new(big.Int).Mul(n, n)
		den.Mul(den, big.NewInt(int64(len(points)-1)))
		den.Mul(den, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(2*scale)), nil))
		f, _ := new(big.Rat).SetFrac(q, den).Float64()
		return f
	}
	cents := func(n int, base, spread int64) []Point {
		ps := make([]Point, n)
		for i := range ps {
			ps[i] = Point{In: true, Num: base + r.Int64N(spread), Den: 1}
		}
		return ps
	}
	for name, c := range map[string]struct {
		points []Point
		scale  int
		churn  func(*Sums, []Point)
	}{
		"B: one 1e13 event added and retracted": {cents(10000, 0, 40000), 2, func(s *Sums, _ []Point) {
			big := Point{In: true, Num: 1e15, Den: 1}
			s.Add(big)
			s.Sub(big)
		}},
		"C: milliseconds since 1970": {cents(10000, 1700000000000, 1000), 0, func(*Sums, []Point) {}},
		"D: 1e6 and cents, churned 1M times": {cents(1000, 100000000, 5), 2, func(s *Sums, ps []Point) {
			for i := range 1000000 {
				p := ps[i%len(ps)]
				s.Apply(p, Point{In: true, Num: p.Num + 1, Den: 1})
				s.Apply(Point{In: true, Num: p.Num + 1, Den: 1}, p)
			}
		}},
		"3e9 three times":    {[]Point{{In: true, Num: 3e9, Den: 1}, {In: true, Num: 3e9, Den: 1}, {In: true, Num: 3e9, Den: 1}}, 0, func(*Sums, []Point) {}},
		"1e12 … 1e12+6":      {cents(0, 0, 0), 0, func(*Sums, []Point) {}},
		"the ends of int64":  {[]Point{{In: true, Num: math.MaxInt64, Den: 1}, {In: true, Num: math.MinInt64, Den: 1}}, 6, func(*Sums, []Point) {}},
		"one of 1e18, one 0": {[]Point{{In: true, Num: 1e18, Den: 1}, {In: true, Num: 0, Den: 1}}, 6, func(*Sums, []Point) {}},
	} {
		if name == "1e12 … 1e12+6" {
			for i := range int64(7) {
				c.points = append(c.points, Point{In: true, Num: 1e12 + i, Den: 1})
			}
		}
		var s Sums
		for _, p := range c.points {
			s.Add(p)
		}
		c.churn(&s, c.points)
		got, err := s.Var(Numerator, Scale{Num: c.scale})
		if err != nil {
			t.Fatal(name, err)
		}
		want := exact(c.points, c.scale)
		if math.Abs(got-want) > 1e-15*want {
			t.Errorf("%s: variance %v, want %v", name, got, want)
		}
		if name == "1e12 … 1e12+6" && got != 14.0/3 {
			t.Errorf("%s: variance %v, want 4.6667 (MatrixOne #27543 has 0)", name, got)
		}
		requireOneSpelling(t, r, c.points)
		// E: everything retracted leaves nothing at all.
		for _, i := range r.Perm(len(c.points)) {
			s.Sub(c.points[i])
		}
		if !s.IsZero() {
			t.Errorf("%s: all retracted leaves Σ %v, Σ² %v", name, s.Num, s.Num2)
		}
	}
}

func TestValuesBeyondTheRangeAreRefused(t *testing.T) {
	// 1e155 is a float64 whose square is not: a float sum makes NaN of it. Here it has no fixed point, in any spelling.
	for _, text := range []string{"1e155", "1E155", "1" + strings.Repeat("0", 155), "-1" + strings.Repeat("0", 155), "1" + strings.Repeat("0", 155) + ".5"} {
		if x, err := Parse(text, 6); !errors.Is(err, ErrDecimal) {
			t.Errorf("%s was read as %v", text, x)
		}
	}
	// What Parse takes and no subject may have: more than an int64.
	x, err := Parse("9223372036854775808", 0)
	if err != nil {
		t.Fatal(err)
	}
	n, ok := x.Narrow()
	if _, fits := n.Int64(); !ok || fits {
		t.Errorf("2^63 is taken for an int64")
	}
	// The ends of int64 squared and added up 2^40 times do not wrap.
	var s Sums
	s.Add(Point{In: true, Num: math.MinInt64, Den: math.MinInt64})
	for range 40 {
		o := s
		s.Merge(&o)
	}
	if v, err := s.Var(Numerator, Scale{}); v != 0 || err != nil {
		t.Errorf("variance of 2^40 equal values: %v, %v", v, err)
	}
}

func TestMergingAnEmptySideChangesNothing(t *testing.T) {
	// ClickHouse #119721 and #114250: the stable float merge gives NaN when a side is empty.
	var s, empty Sums
	for i := range int64(7) {
		s.Merge(&empty)
		s.Add(Point{In: true, Num: 1e12 + i, Den: 1})
		empty.Merge(&Sums{})
	}
	if v, err := s.Var(Numerator, Scale{}); v != 14.0/3 || err != nil {
		t.Errorf("variance %v, %v", v, err)
	}
	if _, err := empty.Var(Numerator, Scale{}); err != ErrTooFewSubjects {
		t.Errorf("variance of nothing: %v", err)
	}
}

func TestFinaliseAgreesWithRationals(t *testing.T) {
	r := newRand(t)
	for range 500 {
		points := make([]Point, 2+r.IntN(30))
		var s Sums
		for i := range points {
			points[i] = Point{In: true, Num: int64(word(r)), Den: int64(word(r)) >> 1, Pre: r.Int64N(1e6), PreDen: r.Int64N(50)}
			s.Add(points[i])
		}
		n := big.NewRat(int64(len(points)), 1)
		one := big.NewRat(1, 1)
		rat := func(b *big.Int) *big.Rat { return new(big.Rat).SetInt(b) }
		mul := func(x, y *big.Rat) *big.Rat { return new(big.Rat).Mul(x, y) }
		sub := func(x, y *big.Rat) *big.Rat { return new(big.Rat).Sub(x, y) }
		closeTo := func(what string, got float64, want *big.Rat) {
			t.Helper()
			w, _ := want.Float64()
			if math.Abs(got-w) > 4e-15*math.Abs(w) || math.IsNaN(got) {
				t.Fatalf("%s = %v, want %v", what, got, w)
			}
		}
		for v := Numerator; v <= PreDenominator; v++ {
			for w := v; w <= PreDenominator; w++ {
				cross := sub(mul(n, rat(bigOf(s.Product(v, w)))), mul(rat(bigOf(s.Sum(v).Wide())), rat(bigOf(s.Sum(w).Wide()))))
				got, err := s.Cov(v, w, Scale{})
				if err != nil {
					t.Fatal(err)
				}
				closeTo("cov of "+names[v]+" and "+names[w], got, new(big.Rat).Quo(cross, mul(n, sub(n, one))))
			}
		}
		d := rat(bigOf(s.Den.Wide()))
		if d.Sign() == 0 {
			continue
		}
		ratio := new(big.Rat).Quo(rat(bigOf(s.Num.Wide())), d)
		residual := new(big.Rat)
		for _, p := range points {
			e := sub(big.NewRat(p.Num, 1), mul(ratio, big.NewRat(p.Den, 1)))
			residual.Add(residual, mul(e, e))
		}
		want := new(big.Rat).Quo(mul(n, residual), mul(sub(n, one), mul(d, d)))
		got, err := s.RatioVar(Scale{})
		if err != nil {
			t.Fatal(err)
		}
		closeTo("ratio", s.Ratio(Scale{}), ratio)
		closeTo("variance of the ratio", got, want)

		// A difference that cancels: the same subjects but one.
		u := s
		u.Apply(points[0], Point{In: true, Num: points[0].Num ^ 1, Den: points[0].Den})
		diff := sub(new(big.Rat).Quo(rat(bigOf(u.Num.Wide())), d), ratio)
		closeTo("difference of two ratios", RatioDifference(&u, &s, Scale{}), diff)
	}
}
