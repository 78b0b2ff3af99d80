package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// wellFormed reads the drawing as XML and returns its text.
func wellFormed(t *testing.T, svg []byte) string {
	t.Helper()
	var text strings.Builder
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		if c, ok := token.(xml.CharData); ok {
			text.Write(c)
			text.WriteByte('\n')
		}
	}
	if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
		t.Errorf("a coordinate is no number: %s", svg)
	}
	if !bytes.Contains(svg, []byte("prefers-color-scheme:dark")) {
		t.Error("the drawing does not follow the dark scheme")
	}
	return text.String()
}

func TestDrawingsAreWellFormed(t *testing.T) {
	for name, svg := range map[string][]byte{
		"strip":        Strip("a < b", "ns & more", []Row{{"one", true, []float64{1000, 1200}}, {"two", false, nil}, {"three", false, []float64{90_000}}}),
		"empty strip":  Strip("nothing", "", nil),
		"lines":        Lines("t", "u", "x", []Line{{"p50", []float64{1, 10, 100}, []string{"1", "10", "<100>"}, [][]float64{{1, 2, 3}, nil, {4}}, nil}}),
		"one point":    Lines("t", "u", "x", []Line{{"", []float64{3}, []string{"3"}, [][]float64{{5}}, nil}}),
		"from zero":    Lines("t", "u", "x", []Line{{"", []float64{0, 1, 50}, nil, [][]float64{{1}, {2}, {3}}, nil}}),
		"log log":      LogLog("t", "u", "x", []Line{{"a", []float64{0.001, 0.01, 1}, nil, [][]float64{{0.02}, {0.2}, {20}}, nil}, {"b", []float64{0.001}, nil, [][]float64{{3}}, []Ring{{0.1, 5}}}}),
		"empty loglog": LogLog("t", "u", "x", nil),
		"empty lines":  Lines("t", "u", "x", nil),
		"lines of two": Lines("t", "u", "x", []Line{{"a", []float64{1}, nil, [][]float64{{1}}, nil}, {"b", []float64{1}, nil, [][]float64{nil}, nil}}),
	} {
		t.Run(name, func(t *testing.T) { wellFormed(t, svg) })
	}
	if text := wellFormed(t, Strip("t", "u", []Row{{"one", true, nil}, {"two", false, []float64{1, 2, 9}}})); !strings.Contains(text, "no good run") || !strings.Contains(text, "\n2\n") {
		t.Errorf("rows without runs, or medians, are not said: %q", text)
	}
}

func TestMedianStandsBetweenItsRuns(t *testing.T) {
	svg := Strip("t", "u", []Row{{"one", true, []float64{100, 400, 200}}})
	at := func(re string) float64 {
		m := regexp.MustCompile(re).FindSubmatch(svg)
		if m == nil {
			t.Fatalf("no %s in %s", re, svg)
		}
		x, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	low, middle, most := at(`class="r" x1="([0-9.]+)"`), at(`class="m" x1="([0-9.]+)"`), at(`class="r" x1="[0-9.]+" x2="([0-9.]+)"`)
	if !(low < middle && middle < most) || middle-low-(most-middle) > 0.2 || middle-low-(most-middle) < -0.2 {
		t.Errorf("100, 200, 400 are at %g, %g, %g: 200 should be half way on a logarithmic axis", low, middle, most)
	}
}

func TestNamesAtTheEndsDoNotOverlap(t *testing.T) {
	ends := []end{{0, 100, true}, {0, 98, true}, {0, 60, true}, {0, 101, true}}
	spread(ends)
	for i, a := range ends {
		for _, b := range ends[i+1:] {
			if d := a.y - b.y; d > -14 && d < 14 {
				t.Errorf("names at %g and %g", a.y, b.y)
			}
		}
	}
}

func TestLabelsDoNotOverlap(t *testing.T) {
	text := wellFormed(t, Lines("t", "u", "x", []Line{{"p50", []float64{31_000, 94_900, 100_000}, []string{"31k", "94.9k", "100k"}, [][]float64{{1}, {2}, {3}}, nil}}))
	if !strings.Contains(text, "31k") || !strings.Contains(text, "100k") || strings.Contains(text, "94.9k") {
		t.Errorf("94.9k stands in the way of 100k, and 31k of none: %q", text)
	}
}

func TestShort(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 1: "1", 0.25: "0.25", 12.34: "12.3", 999: "999", 1000: "1k", 8726: "8.73k", 250_000: "250k", 999_900: "1M", 1_500_000: "1.5M"} {
		if got := Short(x); got != want {
			t.Errorf("Short(%g) = %s, want %s", x, got, want)
		}
	}
}
