package moment

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// randomPoint draws subjects as they come: most of them in, many zeros, some means, some with a pre-period, a few huge.
func randomPoint(r *rand.Rand) Point {
	p := Point{In: r.IntN(10) > 0, Den: 1}
	total := func() int64 {
		switch r.IntN(5) {
		case 0:
			return 0
		case 1:
			return int64(word(r))
		}
		return r.Int64N(1e6) - 3e5
	}
	p.Num = total()
	if r.IntN(2) == 0 {
		p.Den = total()
	}
	if r.IntN(3) == 0 {
		p.Pre, p.PreDen = total(), total()
	}
	if r.IntN(20) == 0 {
		p.Flags = Flags(1 << r.IntN(3))
	}
	if p.Flags == Overflowed {
		p.In = false
	}
	return p
}

// oracle adds the points up the obvious way, in math/big: by name, so that no two of them can be confused.
func oracle(points []Point) map[string]*big.Int {
	m := map[string]*big.Int{}
	add := func(name string, factors ...int64) {
		p := big.NewInt(1)
		for _, f := range factors {
			p.Mul(p, big.NewInt(f))
		}
		if m[name] == nil {
			m[name] = new(big.Int)
		}
		m[name].Add(m[name], p)
	}
	for _, p := range points {
		for f, name := range map[Flags]string{Approximate: "approximate", Overflowed: "overflowed", OpenLimit: "open"} {
			if p.Flags&f != 0 {
				add(name, 1)
			}
		}
		if !p.In {
			continue
		}
		add("n", 1)
		if p.Num != 0 {
			add("nonzero", 1)
		}
		v := [4]int64{p.Num, p.Den, p.Pre, p.PreDen}
		for i, a := range names {
			add(a, v[i])
			for j := i; j < 4; j++ {
				add(a+"·"+names[j], v[i], v[j])
			}
		}
	}
	return m
}

var names = [4]string{"num", "den", "pre", "preden"}

func requireOracle(t *testing.T, s *Sums, points []Point) {
	t.Helper()
	want := oracle(points)
	check := func(name string, got *big.Int) {
		t.Helper()
		w := want[name]
		if w == nil {
			w = new(big.Int)
		}
		if got.Cmp(w) != 0 {
			t.Fatalf("Σ %s = %v, want %v", name, got, w)
		}
	}
	check("n", big.NewInt(s.N))
	check("nonzero", big.NewInt(s.NonZero))
	check("approximate", big.NewInt(s.Approximate))
	check("overflowed", big.NewInt(s.Overflowed))
	check("open", big.NewInt(s.OpenLimit))
	for v := Numerator; v <= PreDenominator; v++ {
		check(names[v], bigOf(s.Sum(v).Wide()))
		for w := v; w <= PreDenominator; w++ {
			check(names[v]+"·"+names[w], bigOf(s.Product(v, w)))
			if s.Product(v, w) != s.Product(w, v) {
				t.Fatalf("Σ %s·%s is not symmetric", names[v], names[w])
			}
		}
	}
}

func encode(t testing.TB, s *Sums) []byte {
	t.Helper()
	b, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSumsAgreeWithTheOracleInAnyOrderAndGrouping(t *testing.T) {
	r := newRand(t)
	for range 300 {
		points := make([]Point, r.IntN(60))
		for i := range points {
			points[i] = randomPoint(r)
		}
		var inOrder Sums
		for _, p := range points {
			inOrder.Add(p)
		}
		requireOracle(t, &inOrder, points)
		if err := inOrder.Check(); err != nil {
			t.Fatal(err)
		}
		want := encode(t, &inOrder)

		// Shuffled over 16 parts, each of which also adds and takes out points that are not its own; merged in any order.
		var parts [16]Sums
		for _, i := range r.Perm(len(points)) {
			p := &parts[r.IntN(16)]
			wrong := randomPoint(r)
			p.Add(wrong)
			p.Apply(wrong, points[i])
			p.Add(points[i])
			p.Sub(points[i])
		}
		var merged Sums
		for _, i := range r.Perm(16) {
			merged.Merge(&parts[i])
			stranger := parts[r.IntN(16)]
			merged.Merge(&stranger)
			merged.Unmerge(&stranger)
		}
		if got := encode(t, &merged); !bytes.Equal(got, want) {
			t.Fatalf("16 shuffled parts: %x, in order: %x", got, want)
		}
		if !merged.Equal(&inOrder) {
			t.Fatal("equal bytes but not Equal")
		}
		for _, i := range r.Perm(len(points)) {
			merged.Sub(points[i])
		}
		if !merged.IsZero() {
			t.Fatalf("all retracted leaves %+v", merged)
		}
	}
}

func TestZeroSumsAreTheIdentity(t *testing.T) {
	r := newRand(t)
	var s, zero Sums
	for range 20 {
		s.Add(randomPoint(r))
	}
	left, right := zero, s
	left.Merge(&s)
	right.Merge(&zero)
	if left != s || right != s {
		t.Error("merging nothing changes something")
	}
	if !zero.IsZero() || s.IsZero() {
		t.Error("IsZero")
	}
	if zero.Merge(&zero); zero != (Sums{}) {
		t.Error("nothing twice is something")
	}
}

func TestSquaresOfTheLargestCellDoNotWrap(t *testing.T) {
	// 2^40 subjects at either end of int64: doubled 40 times from one.
	for _, x := range []int64{math.MaxInt64, math.MinInt64} {
		var s Sums
		s.Add(Point{In: true, Num: x, Den: x, Pre: x, PreDen: x})
		for range 40 {
			s.Merge(&Sums{N: s.N, NonZero: s.NonZero, Num: s.Num, Den: s.Den, Num2: s.Num2, NumDen: s.NumDen, Den2: s.Den2, Before: s.Before})
		}
		n := new(big.Int).Lsh(big.NewInt(1), 40)
		square := new(big.Int).Mul(big.NewInt(x), big.NewInt(x))
		if got := bigOf(s.Num2); got.Cmp(square.Mul(square, n)) != 0 {
			t.Errorf("Σx² of 2^40 subjects at %d = %v, want %v", x, got, square)
		}
		if got, want := bigOf(s.Num.Wide()), n.Mul(n, big.NewInt(x)); got.Cmp(want) != 0 {
			t.Errorf("Σx of 2^40 subjects at %d = %v, want %v", x, got, want)
		}
		if err := s.Check(); err != nil {
			t.Error(err)
		}
		if v, err := s.Var(Numerator, Scale{}); v != 0 || err != nil {
			t.Errorf("variance of equal values = %v, %v", v, err)
		}
		if v, err := s.RatioVar(Scale{}); v != 0 || err != nil {
			t.Errorf("variance of equal ratios = %v, %v", v, err)
		}
	}
}

func TestCheckRefusesImpossibleSums(t *testing.T) {
	ok := Sums{}
	for _, x := range []int64{3, 5, 10} {
		ok.Add(Point{In: true, Num: x, Den: 2 * x, Pre: x - 4, PreDen: 1})
	}
	if err := ok.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Sums){
		"negative n":                  func(s *Sums) { s.N = -1 },
		"more non-zero than subjects": func(s *Sums) { s.NonZero = 4 },
		"negative flag count":         func(s *Sums) { s.Approximate = -1 },
		"sums without subjects":       func(s *Sums) { s.N, s.NonZero = 0, 0 },
		"Σnum² too small":             func(s *Sums) { s.Num2 = Int192From(100) },
		"Σden² too small":             func(s *Sums) { s.Den2 = Int192From(100) },
		"Σpre² too small":             func(s *Sums) { s.Before.Pre2 = Int192From(1) },
		"Σpreden² too small":          func(s *Sums) { s.Before.PreDen2 = Int192From(1) },
		"Σnum·den too large":          func(s *Sums) { s.NumDen = s.NumDen.Add(Int192From(1)) },
		"Σnum·den too small":          func(s *Sums) { s.NumDen = Int192From(-1000) },
		"Σnum·pre too large":          func(s *Sums) { s.Before.NumPre = Int192From(1000) },
		"Σden·preden varies with a constant": func(s *Sums) {
			s.Before.DenPreDen = s.Before.DenPreDen.Add(Int192From(1))
		},
	} {
		s := ok
		change(&s)
		if err := s.Check(); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	bad := ok
	bad.Num2 = Int192From(100)
	if _, err := bad.Var(Numerator, Scale{}); err == nil {
		t.Error("a negative variance was returned")
	}
	if _, err := bad.RatioVar(Scale{}); err != nil {
		t.Log("the ratio notices too:", err)
	}
}

func BenchmarkSumsAdd(b *testing.B) {
	for _, c := range []struct {
		name string
		p    Point
	}{
		{"mean", Point{In: true, Num: 123456789, Den: 1}},
		{"mean/num=0", Point{In: true, Den: 1}},
		{"ratio", Point{In: true, Num: 123456789, Den: 7}},
		{"ratio/before", Point{In: true, Num: 123456789, Den: 7, Pre: 55555, PreDen: 3}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var s Sums
			for range b.N {
				s.Add(c.p)
			}
		})
	}
}

func BenchmarkSumsMerge(b *testing.B) {
	var s, o Sums
	o.Add(Point{In: true, Num: 123456789, Den: 7})
	b.ReportAllocs()
	for range b.N {
		s.Merge(&o)
	}
}

func BenchmarkSumsFinalise(b *testing.B) {
	var s Sums
	for i := range int64(1000) {
		s.Add(Point{In: true, Num: i * 1000003, Den: i % 7})
	}
	b.ReportAllocs()
	for range b.N {
		if err := s.Check(); err != nil {
			b.Fatal(err)
		}
		if _, err := s.RatioVar(Scale{6, 0}); err != nil {
			b.Fatal(err)
		}
	}
}
