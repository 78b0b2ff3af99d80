package results

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// randomize gives a value random contents, whatever its shape: a field that is added to a row is in the test by itself.
func randomize(r *rand.Rand, v reflect.Value) {
	texts := []string{"", "all", "revenue", `quo"ted`, "a<b>&c", "Zürich", "tab\tnew\n", "\x7f", "\u2028", "\xff", "back\\slash"}
	switch v.Kind() {
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			randomize(r, v.Elem())
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(r.Int64N(4e9), r.Int64N(3)*123_456_000).UTC()))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				randomize(r, v.Field(i))
			}
		}
	case reflect.Map:
		if r.IntN(5) == 0 {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(12) {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			randomize(r, k)
			randomize(r, e)
			v.SetMapIndex(k, e)
		}
	case reflect.Slice:
		if r.IntN(4) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), r.IntN(3), 3))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			randomize(r, v.Index(i))
		}
	case reflect.String:
		v.SetString(texts[r.IntN(len(texts))])
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int64:
		v.SetInt([]int64{0, 1, -7, math.MaxInt64, r.Int64()}[r.IntN(5)])
	case reflect.Float64:
		v.SetFloat([]float64{0, math.Copysign(0, -1), 1, 1e-6, 9.99e-7, 1e-7, 1e-12, 1e20, 1e21, -1e21, 1e100, 1e-300, math.MaxFloat64, math.SmallestNonzeroFloat64,
			r.NormFloat64(), math.Exp(80 * r.NormFloat64())}[r.IntN(16)])
	default:
		panic("randomize does not know " + v.Kind().String())
	}
}

func TestAppendJSONIsMarshal(t *testing.T) {
	const seed = 20261122
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range 20_000 {
		var row Row
		if i > 0 {
			randomize(r, reflect.ValueOf(&row).Elem())
		}
		want, err := json.Marshal(&row)
		if err != nil {
			t.Fatal(err)
		}
		got, err := row.AppendJSON([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != "before"+string(want) {
			t.Fatalf("seed %d, row %d:\n%s, want\n%s", seed, i, got[6:], want)
		}
	}
}

func TestAppendJSONFailsWhereMarshalDoes(t *testing.T) {
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, row := range []Row{{Difference: Difference{Value: &f}}, {Power: &Power{MDE: &f}}, {Lift: Lift{Interval: &[2]float64{0, f}}}} {
			_, want := json.Marshal(&row)
			if _, err := row.AppendJSON(nil); err == nil || err.Error() != want.Error() {
				t.Errorf("%v: %v, want %v", f, err, want)
			}
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 1))
	value := func() *float64 { f := r.NormFloat64(); return &f }
	interval := func() Interval { return &[2]float64{*value(), *value()} }
	d := Difference{Value: value(), SE: value(), Z: value(), P: value(), Interval: interval(), PAlways: value(), IntervalAlways: interval()}
	arm := Arm{N: 1234, NonZero: 77, SumNum: "123456.78", SumDen: "1234", SumNum2: "4433221.8765", SumDen2: "1234", SumNumDen: "123456.78", Value: value(), SE: value()}
	row := &Row{Metric: "revenue_per_user", Definition: "0123456789abcdef", Role: "goal", Slice: map[string]string{"country": "C123"}, Variant: "treatment", Control: "control",
		ByVariant: map[string]Arm{"control": arm, "treatment": arm}, Difference: d, Welch: Welch{value(), value(), value(), interval()}, Lift: Lift{value(), interval(), interval(), "fieller"},
		State: "not_clear", Reasons: []string{}, Q: value()}
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			_, _ = json.Marshal(row)
		}
	})
	b.Run("append", func(b *testing.B) {
		var text []byte
		for b.Loop() {
			text, _ = row.AppendJSON(text[:0])
		}
	})
}
