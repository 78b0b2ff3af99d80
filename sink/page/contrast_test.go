package page

import (
	"fmt"
	"math"
	"regexp"
	"testing"
)

// Colours are checked as the style sheet has them: contrast by WCAG 2.2, distance by CIEDE2000 (Sharma, Wu & Dalal 2005)
// for normal sight and for the three dichromacies as Machado, Oliveira & Fernandes (2009) simulate them at severity 1.

type rgb [3]float64 // linear light, 0…1

func parseHex(t *testing.T, s string) rgb {
	t.Helper()
	var c [3]int
	if _, err := fmt.Sscanf(s, "#%02x%02x%02x", &c[0], &c[1], &c[2]); err != nil {
		t.Fatalf("colour %q: %v", s, err)
	}
	var out rgb
	for i, v := range c {
		f := float64(v) / 255
		if f <= 0.04045 {
			out[i] = f / 12.92
		} else {
			out[i] = math.Pow((f+0.055)/1.055, 2.4)
		}
	}
	return out
}

func (c rgb) luminance() float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }

func contrast(a, b rgb) float64 {
	l, d := a.luminance(), b.luminance()
	if l < d {
		l, d = d, l
	}
	return (l + 0.05) / (d + 0.05)
}

// Machado et al. 2009, table 1, severity 1.0.
var sights = map[string][3]rgb{
	"normal": {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protan": {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deutan": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritan": {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

func (c rgb) seen(by [3]rgb) rgb {
	var out rgb
	for i := range out {
		out[i] = math.Max(0, math.Min(1, by[i][0]*c[0]+by[i][1]*c[1]+by[i][2]*c[2]))
	}
	return out
}

// lab is CIELAB under D65.
func (c rgb) lab() (l, a, b float64) {
	f := func(v float64) float64 {
		if v > 216.0/24389 {
			return math.Cbrt(v)
		}
		return (24389.0/27*v + 16) / 116
	}
	x := f((0.4124564*c[0] + 0.3575761*c[1] + 0.1804375*c[2]) / 0.95047)
	y := f(0.2126729*c[0] + 0.7151522*c[1] + 0.0721750*c[2])
	z := f((0.0193339*c[0] + 0.1191920*c[1] + 0.9503041*c[2]) / 1.08883)
	return 116*y - 16, 500 * (x - y), 200 * (y - z)
}

func ciede2000(l1, a1, b1, l2, a2, b2 float64) float64 {
	rad := math.Pi / 180
	cm := (math.Hypot(a1, b1) + math.Hypot(a2, b2)) / 2
	g := 0.5 * (1 - math.Sqrt(math.Pow(cm, 7)/(math.Pow(cm, 7)+math.Pow(25, 7))))
	a1, a2 = a1*(1+g), a2*(1+g)
	c1, c2 := math.Hypot(a1, b1), math.Hypot(a2, b2)
	hue := func(a, b float64) float64 {
		if a == 0 && b == 0 {
			return 0
		}
		return math.Mod(math.Atan2(b, a)/rad+360, 360)
	}
	h1, h2 := hue(a1, b1), hue(a2, b2)
	dl, dc, dh := l2-l1, c2-c1, h2-h1
	switch {
	case c1*c2 == 0:
		dh = 0
	case dh > 180:
		dh -= 360
	case dh < -180:
		dh += 360
	}
	dH := 2 * math.Sqrt(c1*c2) * math.Sin(dh/2*rad)
	lm, cpm, hm := (l1+l2)/2, (c1+c2)/2, (h1+h2)/2
	switch {
	case c1*c2 == 0:
		hm = h1 + h2
	case math.Abs(h1-h2) > 180 && h1+h2 < 360:
		hm += 180
	case math.Abs(h1-h2) > 180:
		hm -= 180
	}
	tt := 1 - 0.17*math.Cos((hm-30)*rad) + 0.24*math.Cos(2*hm*rad) + 0.32*math.Cos((3*hm+6)*rad) - 0.20*math.Cos((4*hm-63)*rad)
	rc := 2 * math.Sqrt(math.Pow(cpm, 7)/(math.Pow(cpm, 7)+math.Pow(25, 7)))
	rt := -math.Sin(60*math.Exp(-math.Pow((hm-275)/25, 2))*rad) * rc
	sl := 1 + 0.015*(lm-50)*(lm-50)/math.Sqrt(20+(lm-50)*(lm-50))
	sc, sh := 1+0.045*cpm, 1+0.015*cpm*tt
	return math.Sqrt(math.Pow(dl/sl, 2) + math.Pow(dc/sc, 2) + math.Pow(dH/sh, 2) + rt*dc/sc*dH/sh)
}

// Three pairs of the test data that Sharma, Wu & Dalal published with the formula.
func TestCIEDE2000(t *testing.T) {
	for _, c := range [][7]float64{{50, 2.6772, -79.7751, 50, 0, -82.7485, 2.0425}, {50, 2.5, 0, 58, 24, 15, 19.4535}, {2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082}} {
		if got := ciede2000(c[0], c[1], c[2], c[3], c[4], c[5]); math.Abs(got-c[6]) > 1e-4 {
			t.Errorf("%v: %.4f", c, got)
		}
	}
}

// tokens are the colours of the style sheet, light and dark.
func tokens(t *testing.T) map[string][2]rgb {
	t.Helper()
	css, err := assetFiles.ReadFile("assets/tidemark.css")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][2]rgb{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`).FindAllSubmatch(css, -1) {
		out[string(m[1])] = [2]rgb{parseHex(t, string(m[2])), parseHex(t, string(m[3]))}
	}
	if len(out) < 15 {
		t.Fatalf("only %d colour tokens found", len(out))
	}
	return out
}

func TestTextHasContrast(t *testing.T) {
	c := tokens(t)
	for mode, name := range []string{"light", "dark"} {
		for _, text := range []string{"text", "muted", "link", "good", "bad", "neutral", "warn", "arm-a", "arm-b", "arm-c", "arm-d"} {
			for _, ground := range []string{"bg", "panel"} {
				if got := contrast(c[text][mode], c[ground][mode]); got < 4.5 {
					t.Errorf("%s: %s on %s has contrast %.2f, want 4.5", name, text, ground, got)
				}
			}
		}
		for _, text := range []string{"text", "muted", "good", "bad"} { // cells that change, in the moment that they do
			if got := contrast(c[text][mode], c["changed"][mode]); got < 4.5 {
				t.Errorf("%s: %s on changed has contrast %.2f, want 4.5", name, text, got)
			}
		}
		for text, ground := range map[string]string{"good": "good-soft", "bad": "bad-soft", "warn": "warn-soft", "text": "bad-soft", "muted": "neutral-soft"} {
			if got := contrast(c[text][mode], c[ground][mode]); got < 4.5 {
				t.Errorf("%s: %s on %s has contrast %.2f, want 4.5", name, text, ground, got)
			}
		}
	}
}

func TestStatesAreApartForEverySight(t *testing.T) {
	c := tokens(t)
	distance := func(a, b rgb) float64 {
		l1, a1, b1 := a.lab()
		l2, a2, b2 := b.lab()
		return ciede2000(l1, a1, b1, l2, a2, b2)
	}
	for mode, name := range []string{"light", "dark"} {
		for sight, by := range sights {
			if got := distance(c["good"][mode].seen(by), c["bad"][mode].seen(by)); got < 40 {
				t.Errorf("%s, %s: good and bad are %.1f apart, want 40", name, sight, got)
			}
			arms := []string{"arm-a", "arm-b", "arm-c", "arm-d"}
			for i, a := range arms {
				for _, b := range arms[i+1:] {
					if got := distance(c[a][mode].seen(by), c[b][mode].seen(by)); got < 10 {
						t.Errorf("%s, %s: %s and %s are %.1f apart, want 10", name, sight, a, b, got)
					}
				}
			}
		}
	}
}
