package sql

import (
	"errors"
	"math"
	"math/big"
	"math/rand"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestFixedRoundsTheTextOnce(t *testing.T) {
	number := func(text string) Value { return Value{Kind: Double, F: parseFloat([]byte(text)), Text: []byte(text)} }
	for _, test := range []struct {
		v     Value
		scale int
		want  int64
		err   string
	}{
		{number("1.005"), 2, 101, ""}, {number("-1.005"), 2, -101, ""}, {number("2.5"), 0, 3, ""}, {number("-2.5"), 0, -3, ""}, {number("0.4999999999999999999999"), 0, 0, ""},
		{number("1e3"), 6, 1_000_000_000, ""}, {number("1E-7"), 6, 0, ""}, {number("5E-7"), 6, 1, ""}, {number("12345.6789e-2"), 2, 12346, ""}, {number("0e999999999999"), 6, 0, ""},
		{number("9223372036854775807"), 0, math.MaxInt64, ""}, {number("9223372036854775808"), 0, 0, NumberRange}, {number("-9223372036854775808"), 0, math.MinInt64, ""},
		{number("9223372036854.775807"), 6, math.MaxInt64, ""}, {number("9223372036854.7758075"), 6, 0, NumberRange}, {number("1e400"), 0, 0, NumberRange}, {number("1e-400"), 6, 0, ""},
		{number("999999999999999999999999999999999999999999"), 0, 0, NumberRange}, {number("00012.50"), 1, 125, ""},
		{Value{Kind: BigInt, I: 7}, 6, 7_000_000, ""}, {Value{Kind: BigInt, I: math.MaxInt64}, 1, 0, NumberRange}, {Value{Kind: BigInt, I: math.MinInt64}, 0, math.MinInt64, ""},
		{Value{Kind: Decimal, I: 12345, Scale: 3}, 2, 1235, ""}, {Value{Kind: Decimal, I: -12345, Scale: 3}, 2, -1235, ""}, {Value{Kind: Decimal, I: 5, Scale: 1}, 4, 5000, ""},
		{Value{Kind: Double, F: 0.30000000000000004}, 20, 0, NumberRange}, {Value{Kind: Double, F: 0.30000000000000004}, 17, 30000000000000004, ""}, {Value{Kind: Double, F: 1.005}, 2, 101, ""},
		{Value{Kind: Double, F: math.NaN()}, 2, 0, NotANumber}, {Value{Kind: Double, F: math.Inf(1)}, 2, 0, NotANumber},
		{Value{Kind: Boolean, I: 1}, 2, 100, ""}, {Value{Kind: Varchar, Text: []byte("1")}, 2, 0, TypeMismatch}, {Value{Kind: Date, I: 1}, 0, 0, TypeMismatch}, {Value{Null: true}, 0, 0, TypeMismatch},
	} {
		got, err := test.v.Fixed(test.scale)
		reason := ""
		var reject *ErrorReject
		if errors.As(err, &reject) {
			reason = reject.Reason
		}
		if got != test.want || reason != test.err {
			t.Errorf("%s %s at scale %d: %d %q, want %d %q", test.v.Kind, test.v.describe(), test.scale, got, reason, test.want, test.err)
		}
	}
}

// TestParseDecimalAgainstRationals compares with math/big for random decimal texts.
func TestParseDecimalAgainstRationals(t *testing.T) {
	const seed = 20261122
	r := rand.New(rand.NewSource(seed))
	for range 20_000 {
		text := randomNumber(r)
		scale := r.Intn(20)
		got, status := parseDecimal([]byte(text), scale)
		want := roundAwayRat(text, scale)
		fits := new(big.Int).Abs(want).Cmp(new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)) < 0
		if (status == numberOK) != fits || fits && string(got.appendDecimal(nil, 0)) != want.String() {
			t.Fatalf("seed %d: %q at scale %d: %s (status %d), want %s", seed, text, scale, got.appendDecimal(nil, 0), status, want)
		}
	}
}

func randomNumber(r *rand.Rand) string {
	var b strings.Builder
	if r.Intn(2) == 0 {
		b.WriteByte('-')
	}
	digits := func(n int) {
		for range n {
			b.WriteByte("0123455555678999"[r.Intn(16)])
		}
	}
	digits(1 + r.Intn(25))
	if r.Intn(3) > 0 {
		b.WriteByte('.')
		digits(1 + r.Intn(25))
	}
	if r.Intn(3) == 0 {
		b.WriteString("e" + strconv.Itoa(r.Intn(40)-20))
	}
	return b.String()
}

func roundAwayRat(text string, scale int) *big.Int {
	x, _ := new(big.Rat).SetString(text)
	x.Mul(x, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	negative := x.Sign() < 0
	x.Abs(x).Add(x, big.NewRat(1, 2))
	n := new(big.Int).Quo(x.Num(), x.Denom())
	if negative {
		n.Neg(n)
	}
	return n
}

func TestInt128AgainstBig(t *testing.T) {
	const seed = 7
	r := rand.New(rand.NewSource(seed))
	random := func() (int128, *big.Int) {
		n := int128{int64(r.Uint64()) >> uint(1+r.Intn(63)), r.Uint64() >> uint(r.Intn(64))}
		x := new(big.Int).Lsh(big.NewInt(n.hi), 64)
		return n, x.Add(x, new(big.Int).SetUint64(n.lo))
	}
	limit := new(big.Int).Lsh(big.NewInt(1), 127)
	for range 20_000 {
		a, x := random()
		b, y := random()
		check := func(op string, got int128, ok bool, want *big.Int) {
			if fits := new(big.Int).Abs(want).Cmp(limit) < 0; ok != fits || fits && string(got.appendDecimal(nil, 0)) != want.String() {
				t.Fatalf("seed %d: %s %s %s = %s %v, want %s", seed, x, op, y, got.appendDecimal(nil, 0), ok, want)
			}
		}
		sum, ok := a.add(b)
		check("+", sum, ok, new(big.Int).Add(x, y))
		product, ok := a.mul(b)
		check("*", product, ok, new(big.Int).Mul(x, y))
		if a.cmp(b) != x.Cmp(y) {
			t.Fatalf("seed %d: %s cmp %s", seed, x, y)
		}
		d := pow10[r.Intn(39)]
		q, m := a.abs().quoRem(d)
		wantQ, wantM := new(big.Int).QuoRem(new(big.Int).Abs(x), bigOf(d), new(big.Int))
		check("quo", q, true, wantQ)
		check("rem", m, true, wantM)
	}
}

func bigOf(n int128) *big.Int {
	x := new(big.Int).Lsh(big.NewInt(n.hi), 64)
	return x.Add(x, new(big.Int).SetUint64(n.lo))
}

// TestHashIsXXH64: the vectors are of the specification's reference implementation (xxhsum -H1), seed 0.
func TestHashIsXXH64(t *testing.T) {
	for text, want := range map[string]uint64{
		"":    0xef46db3751d8e999,
		"a":   0xd24ec4f1a98c6e5b,
		"abc": 0x44bc2cf5ad770999,
		"Nobody inspects the spammish repetition": 0xfbcea83c8a378bf1,
	} {
		if got := (Value{Kind: Varchar, Text: []byte(text)}).Hash(); got != want {
			t.Errorf("%q: %#x, want %#x", text, got, want)
		}
	}
	if (Value{Kind: BigInt, I: 12}).Hash() != (Value{Kind: Varchar, Text: []byte("12")}).Hash() {
		t.Error("12 and '12' have the same canonical text and must have the same hash")
	}
}

func TestHashAllocatesNothing(t *testing.T) {
	values := []Value{{Kind: BigInt, I: 123456789}, {Kind: Double, F: 1.5}, decimalValue(pow10[30], 4), {Kind: TimestampTZ, I: 1}}
	if n := testing.AllocsPerRun(100, func() {
		for i := range values {
			values[i].Hash()
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestHashRowTellsValuesApart(t *testing.T) {
	rows := [][]Value{
		{{Kind: BigInt, I: 1}, {Null: true}}, {{Null: true}, {Kind: BigInt, I: 1}}, {{Kind: BigInt, I: 1}, {Kind: BigInt}}, {{Kind: Double, F: 1}, {Null: true}},
		{{Kind: Varchar, Text: []byte("1")}, {Null: true}}, {{Kind: Varchar, Text: []byte("ab")}, {Kind: Varchar, Text: []byte("c")}}, {{Kind: Varchar, Text: []byte("a")}, {Kind: Varchar, Text: []byte("bc")}},
	}
	seen := make(map[uint64]int)
	for i, row := range rows {
		h := HashRow(row)
		if j, ok := seen[h]; ok {
			t.Errorf("rows %d and %d have one hash", i, j)
		}
		seen[h] = i
	}
}

func TestMoment(t *testing.T) {
	seoul := time.FixedZone("KST", 9*3600)
	for _, test := range []struct {
		v    Value
		want string
	}{
		{Value{Kind: Varchar, Text: []byte("2026-01-01 09:00:00")}, "2026-01-01T00:00:00Z"},
		{Value{Kind: Varchar, Text: []byte("2026-01-01T00:00:00Z")}, "2026-01-01T00:00:00Z"},
		{Value{Kind: Varchar, Text: []byte("2026-01-01 00:00:00.25+01:30")}, "2025-12-31T22:30:00.25Z"},
		{Value{Kind: Date, I: daysOf(2026, 1, 1)}, "2025-12-31T15:00:00Z"},
		{Value{Kind: Timestamp, I: daysOf(2026, 1, 1) * microsDay}, "2025-12-31T15:00:00Z"},
		{Value{Kind: Timestamp, I: daysOf(2026, 1, 1) * microsDay, utc: true}, "2026-01-01T00:00:00Z"},
		{Value{Kind: TimestampTZ, I: 1}, "1970-01-01T00:00:00.000001Z"},
		{Value{Null: true}, MissingTime}, {Value{Kind: Varchar}, MissingTime}, {Value{Kind: Varchar, Text: []byte("soon")}, TypeMismatch}, {Value{Kind: BigInt, I: 1767225600}, TypeMismatch},
	} {
		micros, err := test.v.Moment(seoul)
		got := time.UnixMicro(micros).UTC().Format(time.RFC3339Nano)
		if err != nil {
			got = err.(*ErrorReject).Reason
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.v.describe(), got, test.want)
		}
	}
}

// TestCivilDays walks 400 years of days against the standard library.
func TestCivilDays(t *testing.T) {
	day := time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := floorDiv(day.Unix(), 86400); n < 90_000; n++ {
		y, m, d := civil(n)
		if int(y) != day.Year() || m != int64(day.Month()) || int(d) != day.Day() || daysOf(y, m, d) != n {
			t.Fatalf("day %d is %d-%d-%d, want %s", n, y, m, d, day)
		}
		if year, week := day.ISOWeek(); partIsoyear.extract(n*microsDay) != int64(year) || partWeek.extract(n*microsDay) != int64(week) {
			t.Fatalf("ISO week of %s", day)
		}
		day = day.AddDate(0, 0, 1)
	}
}

// TestPlacingWallClocks: clocks that summer time skips or repeats are placed as the standard library does, and a round
// trip through the wall clock of any instant outside a repeated hour is the identity.
func TestPlacingWallClocks(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone database: ", err)
	}
	for micros := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC).UnixMicro(); micros < time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC).UnixMicro(); micros += 601 * microsSecond {
		if got := instant(wall(micros, berlin), berlin); got != micros {
			t.Fatalf("%s came back as %s", time.UnixMicro(micros).UTC(), time.UnixMicro(got).UTC())
		}
	}
}
