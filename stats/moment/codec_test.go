package moment

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"
)

// The bytes of version 1, annotated. They never change: a new layout is a new version.
func TestEncodedSumsGolden(t *testing.T) {
	mean := Sums{}
	mean.Add(Point{In: true, Num: 3, Den: 1})
	mean.Add(Point{In: true, Num: -200, Den: 1, Flags: Approximate})
	mean.Add(Point{In: true, Den: 1})

	ratio := Sums{}
	ratio.Add(Point{In: true, Num: 5, Den: 2})

	before := Sums{}
	before.Add(Point{In: true, Num: 1, Den: 1, Pre: 2, PreDen: 1})

	for _, c := range []struct {
		name string
		s    Sums
		want string
	}{
		{"nothing", Sums{}, "01" + "01"}, // version 1; bitmap: a mean, no parts
		{"a mean", mean, "01" +
			"9f02" + // bitmap 0b1_0001_1111: mean, n, non-zero, Σnum, Σnum², approximate
			"06" + // n 3, zigzag
			"04" + // non-zero 2
			"8903" + // Σnum −197
			"92f104" + // Σnum² 40009
			"02"}, // approximate 1
		{"a ratio", ratio, "01" +
			"fe01" + // bitmap 0b1111_1110: n, non-zero, Σnum, Σnum², Σden, Σnum·den, Σden²
			"02" + "02" + "0a" + "32" + "04" + "14" + "08"},
		{"a mean with a pre-period", before, "01" +
			"9ff01e" + // bitmap: mean; n, non-zero, Σnum, Σnum²; Σpre, Σpre², Σnum·pre; Σpreden, Σpre·preden, Σpreden², Σnum·preden
			"02" + "02" + "02" + "02" + "04" + "08" + "04" + "02" + "04" + "02" + "02"},
	} {
		if got := hex.EncodeToString(encode(t, &c.s)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestDecodeReturnsWhatWasEncoded(t *testing.T) {
	r := newRand(t)
	for range 3000 {
		var s Sums
		if r.IntN(4) == 0 { // also sums that no points have: cells travel as differences too
			s = Sums{
				N: int64(word(r)), NonZero: int64(word(r)), Num: random128(r), Den: random128(r), Num2: random192(r),
				NumDen: random192(r), Den2: random192(r), Approximate: int64(word(r)), Overflowed: int64(word(r)), OpenLimit: int64(word(r)),
				Before: Before{Pre: random128(r), PreDen: random128(r), Pre2: random192(r), PrePreDen: random192(r), PreDen2: random192(r),
					NumPre: random192(r), NumPreDen: random192(r), DenPre: random192(r), DenPreDen: random192(r)},
			}
		} else {
			for range r.IntN(5) {
				s.Add(randomPoint(r))
			}
		}
		b := encode(t, &s)
		got, rest, err := Decode(append(b, "rest"...))
		if err != nil || got != s || string(rest) != "rest" {
			t.Fatalf("%x decodes to %+v, %q, %v; want %+v", b, got, rest, err, s)
		}
		for i := range b {
			if _, _, err := Decode(b[:i]); !errors.Is(err, ErrFormat) {
				t.Fatalf("%x cut to %d bytes: %v", b, i, err)
			}
		}
	}
}

func TestDecodeRefusesOtherSpellings(t *testing.T) {
	for name, bytes := range map[string]string{
		"nothing":                        "",
		"a later version":                "0201",
		"version 0":                      "0001",
		"a bitmap with unknown parts":    "018180c001",
		"a bitmap with a leading zero":   "018100",
		"a part that is zero":            "010300",
		"a number with a leading zero":   "01038600",
		"a number cut short":             "010386",
		"a mean with denominators":       "01a3" + "0100",
		"a mean spelled as a ratio":      "01" + "ea01" + "0202020202",
		"zero spelled as a ratio":        "0100",
		"a count beyond 64 bits":         "0103" + "8080808080808080808004",
		"a sum beyond 128 bits":          "0109" + "80808080808080808080808080808080808010",
		"a number beyond 192 bits":       "0111" + "ffffffffffffffffffffffffffffffffffffffffffffffffffffff10",
		"a number that goes on for ever": "0111" + "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff01",
	} {
		b, err := hex.DecodeString(bytes)
		if err != nil {
			t.Fatal(err)
		}
		if s, _, err := Decode(b); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: read as %+v, %v", name, s, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	var s Sums
	for _, p := range []Point{{In: true, Num: 7, Den: 1}, {In: true, Num: -7, Den: 3, Pre: 4}, {In: true, Num: math.MinInt64, Den: math.MaxInt64, PreDen: 9}} {
		s.Add(p)
		f.Add(encode(f, &s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, rest, err := Decode(b)
		if err != nil {
			return
		}
		if got := encode(t, &s); !bytes.Equal(got, b[:len(b)-len(rest)]) {
			t.Fatalf("%x reads as %+v, which is written %x", b, s, got)
		}
		// No sums that have bytes may break the arithmetic behind them.
		if s.Check() == nil && s.N > 1 && s.Den.Sign() != 0 {
			_, _ = s.RatioVar(Scale{})
			_ = RatioDifference(&s, &s, Scale{})
		}
	})
}
