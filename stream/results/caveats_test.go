package results

import (
	"testing"
)

func TestCautionIsOneShortLine(t *testing.T) {
	warned := []Warning{{Code: "heterogeneity", Dimension: "platform"}, {Code: "suspicious_lift"}, {Code: "heterogeneity", Dimension: "country"}, {Code: "of_tomorrow"}}
	for _, c := range []struct {
		name       string
		row        Row
		correction string
		want       string
	}{
		{"nothing", Row{}, "holm", ""},
		{"corrected", Row{PAdjusted: ptr(0.03124)}, "holm", "p 0.0312 after Holm"},
		{"not across alpha", Row{PAdjusted: ptr(0.04996)}, "ebh", "p 0.04996 after e-BH"},
		{"warned, each name once", Row{Warnings: warned}, "", "check: slices differ, suspicious lift, of tomorrow"},
		{"both", Row{PAdjusted: ptr(1e-9), Warnings: warned[1:2]}, "bh", "p <0.0001 after Benjamini–Hochberg · check: suspicious lift"},
	} {
		if got := c.row.Caution(c.correction, 0.05); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLevelIsTheRowsShare(t *testing.T) {
	if got := (&Row{}).Level(0.05); got != 0.05 {
		t.Errorf("without a share: %g", got)
	}
	if got := (&Row{Alpha: 0.0125}).Level(0.05); got != 0.0125 {
		t.Errorf("with a share: %g", got)
	}
}

func TestLevelOfTheInterval(t *testing.T) {
	for _, c := range []struct {
		name string
		row  Row
		want float64
	}{
		{"without a final look", Row{}, 0.05},
		{"with", Row{AlphaAlways: 0.025}, 0.025},
		{"of its share", Row{Alpha: 0.02, AlphaAlways: 0.01}, 0.01},
		{"a share alone", Row{Alpha: 0.02}, 0.02},
	} {
		if got := c.row.IntervalAlpha(0.05); got != c.want {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

func TestFormatLevel(t *testing.T) {
	for alpha, want := range map[float64]string{0.05: "95%", 0.1: "90%", 0.01: "99%", 0.001: "99.9%", 0.025: "97.5%", 0.0125: "98.75%", 0.00625: "99.38%", 0.05 / 7: "99.29%"} {
		if got := FormatLevel(alpha); got != want {
			t.Errorf("%g: %s, want %s", alpha, got, want)
		}
	}
}
