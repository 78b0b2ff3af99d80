package stats

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// A number that leaves the package is finite, no variance or width is negative, a p is in (0, 1], and something absent has a reason. Here
// for arms that no engine would make, too: sums of anything, one subject, nobody, all equal, at the ends of their ranges.

// strangeArm makes sums: of random points of some kind, and in one of five cases with a sum that is damaged.
func strangeArm(r *rand.Rand) *moment.Sums {
	value := func() int64 {
		switch r.IntN(7) {
		case 0:
			return 0
		case 1:
			return 1
		case 2:
			return -r.Int64N(1000)
		case 3:
			return math.MaxInt64 - r.Int64N(3)
		case 4:
			return math.MinInt64 + r.Int64N(3)
		case 5:
			return r.Int64N(10)
		}
		return r.Int64N(1e12)
	}
	fixed := [4]int64{value(), value(), value(), value()}
	varies := [4]bool{r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0}
	mean, before := r.IntN(2) == 0, r.IntN(2) == 0
	pick := func(i int) int64 {
		if varies[i] {
			return value()
		}
		return fixed[i]
	}
	var s moment.Sums
	if r.IntN(3) == 0 { // one as they usually are
		level, width := r.Int64N(1000), 1+r.Int64N(100)
		for range 100 + r.IntN(100) {
			s.Add(moment.Point{In: true, Num: level + r.Int64N(width), Den: 1 + r.Int64N(2), Pre: r.Int64N(width), PreDen: 1})
		}
		return &s
	}
	flagged := r.IntN(10) == 0
	for range []int{0, 1, 2, 3, 40, 150}[r.IntN(6)] {
		p := moment.Point{In: r.IntN(20) > 0, Num: pick(0), Den: pick(1)}
		if flagged && r.IntN(50) == 0 {
			p.Flags = moment.Flags(r.IntN(8))
		}
		if mean {
			p.Den = 1
		}
		if before {
			p.Pre, p.PreDen = pick(2), pick(3)
		}
		s.Add(p)
	}
	for range r.IntN(3) * r.IntN(12) { // up to millions of subjects
		o := s
		s.Merge(&o)
	}
	if r.IntN(5) == 0 {
		wrong := moment.Int192From(value())
		switch r.IntN(8) {
		case 0:
			s.N = r.Int64N(5) - 2
		case 1:
			s.Num2 = wrong
		case 2:
			s.Den2 = wrong
		case 3:
			s.NumDen = wrong
		case 4:
			s.Before.Pre2 = wrong
		case 5:
			s.Before.NumPre = wrong
		case 6:
			s.Num = moment.Int128From(value())
		case 7:
			s.Before.PreDen = moment.Int128From(value())
		}
	}
	return &s
}

// sound visits all that a result says.
func sound(t *testing.T, where string, result any) {
	t.Helper()
	var visit func(v reflect.Value, path string)
	visit = func(v reflect.Value, path string) {
		switch x := v.Interface().(type) {
		case Number:
			name := path[max(0, len(path)-8):]
			switch {
			case x.OK && (math.IsNaN(x.V) || math.IsInf(x.V, 0)), !x.OK && x.V != 0:
				t.Fatalf("%s: %s is %v", where, path, x)
			case !x.OK:
			case (hasSuffix(name, ".P", ".PAlways", ".Win") || name == ".PWithin") && !(x.V > 0 && x.V <= 1):
				t.Fatalf("%s: %s is %v", where, path, x)
			case hasSuffix(name, ".SE", ".Var", ".SD", ".K", ".Chi2", ".Q") && x.V < 0:
				t.Fatalf("%s: %s is %v", where, path, x)
			}
			return
		case Interval:
			if x.OK && (!(x.Low <= x.High) || math.IsInf(x.Low, 0) || math.IsInf(x.High, 0)) || !x.OK && x != (Interval{}) {
				t.Fatalf("%s: %s is %v", where, path, x)
			}
			return
		}
		switch v.Kind() {
		case reflect.Float64:
			if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
				t.Fatalf("%s: %s is %v", where, path, f)
			}
		case reflect.Pointer:
			if !v.IsNil() {
				visit(v.Elem(), path)
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				visit(v.Field(i), path+"."+v.Type().Field(i).Name)
			}
		}
	}
	visit(reflect.ValueOf(result), "")
}

func hasSuffix(s string, suffixes ...string) bool {
	for _, x := range suffixes {
		if len(s) >= len(x) && s[len(s)-len(x):] == x {
			return true
		}
	}
	return false
}

func TestNothingUnsoundLeavesThePackage(t *testing.T) {
	r := newRand(t)
	words := map[State]int{}
	for i := range 6000 {
		everything(t, r, fmt.Sprint("case ", i), words)
	}
	t.Log(words)
	for _, w := range []State{Better, Worse, NotClear, Unreliable, Collecting, NoData, Failed} {
		if words[w] < 20 {
			t.Errorf("%s came up %d times", w, words[w])
		}
	}
}

func FuzzNothingUnsoundLeavesThePackage(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		everything(t, rand.New(rand.NewPCG(a, b)), fmt.Sprint("seed ", a, " ", b), map[State]int{})
	})
}

// everything puts two strange arms through every function that takes arms, tests or numbers of them.
func everything(t *testing.T, r *rand.Rand, where string, words map[State]int) {
	t.Helper()
	tr, co := strangeArm(r), strangeArm(r)
	if r.IntN(3) == 0 {
		tr = co
	}
	sc := moment.Scale{Num: r.IntN(13), Den: r.IntN(13)}
	tuning := []Tuning{{}, {V: math.Exp(40 * r.NormFloat64())}, {Tau2: math.Exp(40 * r.NormFloat64())}, {V: 1e4}}
	alpha := []float64{0, .05, 1e-12, .5, .999}[r.IntN(5)]
	d := Design{
		Scale: sc, Alpha: alpha, Tuning: tuning[r.IntN(4)], CUPEDTuning: tuning[r.IntN(4)], CUPED: r.IntN(2) == 0,
		Direction: []Direction{Up, Down, Undirected}[r.IntN(3)], Lift: []LiftMethod{"", Fieller, Delta, LogDelta}[r.IntN(4)],
		Boundary: Boundary{Student: r.IntN(4) == 0, FinalLook: r.IntN(4) == 0},
	}
	if r.IntN(2) == 0 {
		d.Limit = &Limit{Value: math.Exp(10*r.NormFloat64()) * float64(1-2*r.IntN(2)), Relative: r.IntN(2) == 0}
	}
	if alpha == 0 {
		alpha = .05
	}
	c := Compare(tr, co, d)
	sound(t, where+" Compare", c)
	words[c.State]++
	if !c.Difference.P.OK && len(c.Reasons) == 0 {
		t.Fatalf("%s: no p and no reason: %+v", where, c)
	}
	if c.CUPED != nil && !c.CUPED.Difference.P.OK && len(c.Reasons)+len(c.CUPED.Reasons) == 0 {
		t.Fatalf("%s: no adjusted p and no reason: %+v", where, c)
	}
	if (c.State == Better || c.State == Worse) && !c.Difference.Always.Interval.OK {
		t.Fatalf("%s: %s without an interval", where, c.State)
	}
	if errors.Is(errors.Join(tr.Check(), co.Check()), moment.ErrCorrupt) && c.State != Failed {
		t.Fatalf("%s: impossible sums are %s", where, c.State)
	}
	sound(t, where+" CUPED", CUPED(tr, co, d))
	v, ok := Tune(tr, co, sc, 1+r.Int64N(1e9))
	sound(t, where+" Tune", v)
	v, okCUPED := TuneCUPED(tr, co, sc, 1+r.Int64N(1e9))
	sound(t, where+" TuneCUPED", v)
	if okCUPED && !ok {
		t.Fatalf("%s: CUPED is tuned and the plain test is not", where)
	}
	e := CompareEstimates(c.Treatment, c.Control, d)
	sound(t, where+" CompareEstimates", e)
	sound(t, where+" Drift", Drift(tr, co, sc, r.IntN(2) == 0, alpha))
	sound(t, where+" PreExposure", PreExposure(tr, co, sc, r.IntN(2) == 0, alpha))
	if d.Limit != nil {
		sound(t, where+" NonInferiority", NonInferiority(c, *d.Limit, d.Tuning, alpha))
	}
	strata := []Stratum{{c.Treatment, c.Control}, StratumOf(co, tr, d), StratumOf(tr, tr, d)}[:1+r.IntN(3)]
	sound(t, where+" PostStratify", PostStratify(strata, alpha))
	sound(t, where+" CochranQ", CochranQ(strata))
	sound(t, where+" MixShift", MixShift(strata, alpha))
	sound(t, where+" SegmentsAgainstRest", SegmentsAgainstRest(strata, alpha))
	for _, test := range []Test{c.Difference, e.Difference, {Value: c.Lift.Value, SE: c.Lift.SE}} {
		nt, nc := c.Treatment.N, c.Control.N
		sound(t, where+" Always", d.Tuning.Always(test, nt, nc, alpha))
		sound(t, where+" Hybrid", d.Tuning.Hybrid(test, nt, nc, alpha, r.IntN(2) == 0))
		sound(t, where+" StudentMixture", d.Tuning.StudentMixture(test, nt, nc, alpha))
		sound(t, where+" StudentMixtureByCount", StudentMixtureByCount(test, nt+nc, r.Int64N(1e6), alpha))
		sound(t, where+" AlwaysByCount", AlwaysByCount(test, nt+nc, r.Int64N(1e6), alpha))
		side := []Side{Greater, Less}[r.IntN(2)]
		sound(t, where+" OneSided", d.Tuning.OneSided(test, r.NormFloat64(), side, nt, nc, alpha/2))
		sound(t, where+" OneSidedByCount", OneSidedByCount(test, r.NormFloat64(), side, nt+nc, r.Int64N(1e6), alpha/2))
		sound(t, where+" Bayes", Bayes(test.Value.V, test.SE.V, Prior{r.NormFloat64(), r.ExpFloat64()}, alpha))
		sound(t, where+" Novelty", string(Novelty(test, c.Difference, alpha)))
	}
	x := d.Tuning.Progress(c.Treatment.N, c.Control.N, c.Difference.SE.V, alpha)
	if c.Difference.SE.V > 0 {
		sound(t, where+" Progress", x)
	}
	q := CochranQ(strata)
	chi := struct{ P Number }{AlwaysChiSquared(q.Q.V, q.DF, x, alpha)}
	sound(t, where+" AlwaysChiSquared", chi)
	need := Needed{NT: c.Treatment.N, NC: c.Control.N, SE: c.Difference.SE.V, Tuning: d.Tuning, Alpha: alpha, FinalLook: r.IntN(2) == 0}
	times, power := math.Exp(3*r.NormFloat64()), r.Float64()
	effect, err := need.Effect(times, power)
	if err == nil {
		sound(t, where+" Effect", effect)
		p, _ := need.Power(effect, times)
		sound(t, where+" Power", p)
		if n, err := need.Subjects(effect, power); err == nil && n < 0 {
			t.Fatalf("%s: %d subjects", where, n)
		}
	}
	counts, weights := []int64{max(0, tr.N), max(0, co.N), r.Int64N(1e3)}, []float64{r.Float64(), 1, float64(r.IntN(2))}
	srm, err := SampleRatio(counts, weights, SRMOptions{})
	sound(t, where+" SampleRatio", srm)
	if err == nil && srm.State == SRMOK && !srm.P.OK {
		t.Fatalf("%s: the split is ok without a p", where)
	}
	a, b := Share{r.Int64N(100), r.Int64N(100)}, Share{r.Int64N(100), r.Int64N(100)}
	pooled, _ := PooledProportions(a, b, alpha)
	sound(t, where+" PooledProportions", pooled)
	share, _ := AlwaysShare(a, 1000*r.Float64(), alpha)
	sound(t, where+" AlwaysShare", share)
}
