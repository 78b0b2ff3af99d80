package results

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func ptr(v float64) *float64 { return &v }

func within(v, half float64) Interval { return &[2]float64{v - half, v + half} }

// The goldens of the interface: value ± half-width → text.
func TestFormatLiftGoldens(t *testing.T) {
	for _, c := range []struct {
		value, half float64
		want        string
	}{
		{0.02313, 0.0189, "+2.3% (+0.4 … +4.2)"},
		{0.3561, 0.011, "+35.6% (+34.5 … +36.7)"},
		{-0.00003, 0.0002, "−0.003% (−0.023 … +0.017)"},
		{-4e-7, 0.0002, "0.000% (−0.020 … +0.020)"},
		{0.5, 0.62, "+50% (−12 … +112)"},
		{12.5, 0.1, "+1,250% (+1,240 … +1,260)"},
		{0.01, 0.00996, "+1.000% (+0.004 … +1.996)"},
		{0.01, 0, "+1.0% (+1.0 … +1.0)"},
	} {
		if got := FormatLift(&c.value, within(c.value, c.half)).Text; got != c.want {
			t.Errorf("%g ± %g: %q, want %q", c.value, c.half, got, c.want)
		}
	}
	if got := FormatLift(nil, nil).Text; got != "—" {
		t.Errorf("no lift: %q", got)
	}
	for v, want := range map[float64]string{-0.0131: "−1.3%", 93.663: "+9,366%", 0.762: "+76.2%", 0.00012: "+0.012%", 0: "0.0%", 1: "+100%"} {
		if got := FormatLift(&v, nil).Text; got != want {
			t.Errorf("%g without an interval: %q, want %q", v, got, want)
		}
	}
}

func TestFormatP(t *testing.T) {
	for _, c := range []struct {
		p, alpha float64
		want     string
	}{
		{3e-9, 0.05, "<0.0001"},
		{0.04996, 0.05, "0.04996"},
		{0.050004, 0.05, "0.0500"}, // 0.05 is not below α either
		{0.0499999, 0.05, "0.0499999"},
		{0.189884, 0.05, "0.1899"},
		{0.0121, 0.05, "0.0121"},
		{1, 0.05, "1.0000"},
		{0.0001, 0.05, "0.0001"},
		{0.00009999, 0.05, "<0.0001"},
		{0.00007, 0.00005, "0.0001"},
		{0.00003, 0.00005, "<0.0001"},
		{0.000099996, 0.0001, "<0.0001"},
	} {
		if got := FormatP(&c.p, c.alpha); got != c.want {
			t.Errorf("p %g at α %g: %q, want %q", c.p, c.alpha, got, c.want)
		}
	}
	if got := FormatP(nil, 0.05); got != Missing {
		t.Errorf("no p: %q", got)
	}
}

func TestFormatValue(t *testing.T) {
	for _, c := range []struct {
		format    string
		value, se *float64
		want      string
	}{
		{"currency:KRW", ptr(1204.61), nil, "₩1,204.6"},
		{"currency:KRW", ptr(1204.61), ptr(2.5), "₩1,204.6"},
		{"currency:USD", ptr(-3.5), ptr(0.05), "−$3.500"},
		{"currency:CHF", ptr(3), nil, "3 CHF"},
		{"percent", ptr(0.1203863), ptr(0.000853772), "12.04%"},
		{"percent", ptr(0.04812), nil, "4.812%"},
		{"count", ptr(512034), nil, "512,034"},
		{"count", ptr(1.0069785), ptr(0.00021914), "1.00698"},
		{"duration_ms", ptr(412), ptr(0.4), "412.00 ms"},
		{"duration_ms", ptr(412), nil, "412 ms"},
		{"bytes", ptr(5e6), nil, "5 MB"},
		{"", ptr(0), nil, "0"},
		{"", ptr(-0.0001), ptr(1), "0.0"},
		{"", nil, nil, "—"},
		{"", ptr(math.Inf(1)), nil, "—"},
		{"", ptr(math.NaN()), nil, "—"},
	} {
		if got := FormatValue(c.format, c.value, c.se); got != c.want {
			t.Errorf("%s: %q, want %q", c.format, got, c.want)
		}
	}
}

func TestFormatCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 512034: "512,034", -1234567: "−1,234,567", math.MinInt64: "−9,223,372,036,854,775,808"} {
		if got := FormatCount(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{999: "999", 1200: "1.2k", 1_234_567: "1.2M", 999_960: "1M", -2_000_000_000: "−2G"} {
		if got := FormatCompact(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestFormatDifferenceAndLimit(t *testing.T) {
	if got := FormatDifference("percent", ptr(-0.00157824), &[2]float64{-0.00393787, 0.00078139}).Text; got != "−0.16 pp (−0.39 … +0.08)" {
		t.Errorf("%q", got)
	}
	if got := FormatDifference("currency:KRW", ptr(12.34), within(12.34, 9.1)).Text; got != "+₩12.3 (+3.2 … +21.4)" {
		t.Errorf("%q", got)
	}
	if got := FormatLimit("", &Guardrail{Limit: 0.05, Unit: "relative"}); got != "+5%" {
		t.Errorf("%q", got)
	}
	if got := FormatLimit("duration_ms", &Guardrail{Limit: -20, Unit: "absolute"}); got != "−20 ms" {
		t.Errorf("%q", got)
	}
}

// Whatever the numbers, no text has a NaN, an infinity, a negative zero or a hyphen for a minus.
func TestFormatNeverPrintsNonsense(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 100_000 {
		v := math.Float64frombits(rng.Uint64())
		if rng.IntN(2) == 0 {
			v = (rng.Float64() - 0.5) * math.Pow10(rng.IntN(12)-8)
		}
		lo, hi := v-math.Abs(v)*rng.Float64(), v+rng.Float64()*math.Pow10(rng.IntN(8)-6)
		texts := []string{
			FormatLift(&v, &[2]float64{lo, hi}).Text, FormatLift(&v, nil).Text, FormatValue("percent", &v, &hi), FormatValue("bytes", &v, nil),
			FormatDifference("currency:EUR", &v, &[2]float64{lo, hi}).Text, FormatP(&v, 0.05),
		}
		for _, text := range texts {
			if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "-") {
				t.Fatalf("seed %d: %g gives %q", seed, v, text)
			}
			for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" (…)%", r) }) {
				if rest, ok := strings.CutPrefix(word, "−"); ok && strings.Trim(rest, "€0.,") == "" {
					t.Fatalf("seed %d: %g gives a negative zero: %q", seed, v, text)
				}
			}
		}
	}
}

// An interval that excludes 0 is not printed with an end of 0, nor one that includes it as if it ended there.
func TestFormatKeepsTheSignOfAnEnd(t *testing.T) {
	for _, c := range []struct {
		value, low, high float64
		want             string
	}{
		{0.25, 0.0013, 0.51, "+25.0% (+0.1 … +51.0)"},
		{0.25, -0.0013, 0.51, "+25.0% (−0.1 … +51.0)"},
		{-0.25, -0.51, -0.00013, "−25.00% (−51.00 … −0.01)"},
		{0.25, 0.006, 0.51, "+25% (+1 … +51)"},
		{0.25, 0, 0.51, "+25% (0 … +51)"},
		{0.25, 1e-17, 0.51, "+25% (0 … +51)"},
	} {
		if got := FormatLift(&c.value, &[2]float64{c.low, c.high}).Text; got != c.want {
			t.Errorf("%v in [%v, %v] is %q, want %q", c.value, c.low, c.high, got, c.want)
		}
	}
}
