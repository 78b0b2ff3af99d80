// Package plot draws the two figures that benchmarks need as SVG: rows of runs, and lines over an axis. The drawings carry
// their own style, follow the reader's light or dark scheme, and need no script or font. It imports nothing of the engine.
package plot

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// width of every drawing. Shown narrower than 480 pixels, as on a telephone, its letters are larger, and places are chosen so
// that they fit then, too.
const width = 640

// style is in every drawing. Colours are from the palette of Okabe and Ito, which readers with any colour vision tell apart.
const style = `<style>
svg{color-scheme:light dark;font:12.5px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;background:#fff}
text{fill:#1f2328}.t{font-size:15px;font-weight:600}.s,.a{fill:#59636e}.g{stroke:#d1d9e0;stroke-width:1}
.c0{--c:#0072b2}.c1{--c:#d55e00}.c2{--c:#009e73}.c3{--c:#cc79a7}.c4{--c:#b58900}.c5{--c:#56b4e9}.o{--c:#6e7781}
.d{fill:var(--c);fill-opacity:.45}.m{stroke:var(--c);stroke-width:3}.r{stroke:var(--c);stroke-width:6;stroke-opacity:.25;stroke-linecap:round}
.l{fill:none;stroke:var(--c);stroke-width:2}.k{fill:var(--c)}.h{fill:none;stroke:var(--c);stroke-width:1.5}.b{stroke:var(--c);stroke-width:1.5}
@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#f0f6fc}.s,.a{fill:#9198a1}.g{stroke:#3d444d}
.c0{--c:#58a6ff}.c1{--c:#ff9a5c}.c2{--c:#3fd6a0}.c3{--c:#f0a6d0}.c4{--c:#e3c44c}.c5{--c:#9bd8ff}.o{--c:#9198a1}}
@media(max-width:480px){svg{font-size:15.5px}.t{font-size:18px}.s{font-size:14px}}
</style>`

// Row is one engine's runs; ours stands out.
type Row struct {
	Name   string
	Ours   bool
	Values []float64
}

// Strip draws each row's runs as dots over a common logarithmic axis, with their range as a bar and their median as a line
// and a number. Values must be over 0; rows without any say so.
func Strip(title, unit string, rows []Row) []byte {
	const left, right, top, high = 170, 86, 66, 32
	height := top + high*len(rows) + 42
	var all []float64
	for _, r := range rows {
		all = append(all, r.Values...)
	}
	axis := newLog(all, left, width-right)
	var b bytes.Buffer
	open(&b, height, title, unit)
	for _, tick := range axis.ticks() {
		x := axis.at(tick)
		fmt.Fprintf(&b, `<line class="g" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, x, x, top-6, height-34)
		fmt.Fprintf(&b, `<text class="a" x="%.1f" y="%d" text-anchor="middle">%s</text>`, x, height-14, Short(tick))
	}
	for i, r := range rows {
		y := top + high*i + high/2
		class := "o"
		if r.Ours {
			class = "c0"
		}
		fmt.Fprintf(&b, `<g class="%s"><text x="%d" y="%d" text-anchor="end">%s</text>`, class, left-12, y+4, html.EscapeString(r.Name))
		if len(r.Values) == 0 {
			fmt.Fprintf(&b, `<text class="s" x="%d" y="%d">no good run</text></g>`, left+4, y+4)
			continue
		}
		low, middle, most := summary(r.Values)
		fmt.Fprintf(&b, `<line class="r" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, axis.at(low), axis.at(most), y, y)
		for _, v := range r.Values {
			fmt.Fprintf(&b, `<circle class="d" cx="%.1f" cy="%d" r="4.5"/>`, axis.at(v), y)
		}
		fmt.Fprintf(&b, `<line class="m" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, axis.at(middle), axis.at(middle), y-9, y+9)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s</text></g>`, axis.at(most)+12, y+4, Short(middle))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// Line is one series: at each X its runs.
type Line struct {
	Name   string
	X      []float64
	Labels []string // of the points, shown under the axis
	Values [][]float64
	// Rings are drawn beside the line, joined with nothing.
	Rings []Ring
}

// Ring is a single value beside a line.
type Ring struct{ X, Y float64 }

// Lines draws medians joined by lines, with the range of the runs as a bar at each point. The vertical axis begins at 0;
// the horizontal one is logarithmic if it spans more than a factor of 8 and has no 0.
func Lines(title, unit, xTitle string, lines []Line) []byte {
	return draw(title, unit, xTitle, lines, false)
}

// LogLog is Lines with both axes logarithmic; all numbers must be over 0.
func LogLog(title, unit, xTitle string, lines []Line) []byte {
	return draw(title, unit, xTitle, lines, true)
}

func draw(title, unit, xTitle string, lines []Line, logarithmic bool) []byte {
	const left, top, bottom, height = 68, 70, 60, 330
	right := 28
	var xs, ys []float64
	for _, l := range lines {
		if l.Name != "" {
			right = 150
		}
		xs = append(xs, l.X...)
		for _, v := range l.Values {
			ys = append(ys, v...)
		}
		for _, ring := range l.Rings {
			xs, ys = append(xs, ring.X), append(ys, ring.Y)
		}
	}
	x, y := newScale(xs, left, float64(width-right)), newLinear(ys, height-bottom, top)
	if logarithmic {
		y = newLog(ys, height-bottom, top)
	}
	var b bytes.Buffer
	open(&b, height, title, unit)
	for _, tick := range y.ticks() {
		fmt.Fprintf(&b, `<line class="g" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`, left, width-right, y.at(tick), y.at(tick))
		fmt.Fprintf(&b, `<text class="a" x="%d" y="%.1f" text-anchor="end">%s</text>`, left-8, y.at(tick)+4, Short(tick))
	}
	labels(&b, lines, x, height-bottom+19)
	ends := make([]end, len(lines))
	for i, l := range lines {
		var path bytes.Buffer
		fmt.Fprintf(&b, `<g class="c%d">`, i%6)
		for j, v := range l.Values {
			if len(v) == 0 {
				continue
			}
			low, middle, most := summary(v)
			px, py := x.at(l.X[j]), y.at(middle)
			fmt.Fprintf(&b, `<line class="b" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/><circle class="k" cx="%.1f" cy="%.1f" r="4"/>`, px, px, y.at(low), y.at(most), px, py)
			command := "L"
			if path.Len() == 0 {
				command = "M"
			}
			fmt.Fprintf(&path, "%s%.1f %.1f", command, px, py)
			ends[i] = end{px, py, true}
		}
		fmt.Fprintf(&b, `<path class="l" d="%s"/>`, path.String())
		for _, ring := range l.Rings {
			fmt.Fprintf(&b, `<circle class="h" cx="%.1f" cy="%.1f" r="6"/>`, x.at(ring.X), y.at(ring.Y))
		}
		b.WriteString("</g>")
	}
	spread(ends)
	for i, l := range lines {
		if ends[i].drawn && l.Name != "" {
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f">%s</text>`, ends[i].x+10, ends[i].y+4, html.EscapeString(l.Name))
		}
	}
	fmt.Fprintf(&b, `<text class="s" x="%d" y="%d" text-anchor="middle">%s</text>`, (left+width-right)/2, height-14, html.EscapeString(xTitle))
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// labels writes those of the points below the axis, from the right, without those that would stand in another's way.
func labels(b *bytes.Buffer, lines []Line, x scale, y int) {
	type label struct {
		at   float64
		text string
	}
	var all []label
	for _, l := range lines {
		for j, text := range l.Labels {
			all = append(all, label{x.at(l.X[j]), text})
		}
	}
	slices.SortFunc(all, func(a, b label) int { return cmp.Compare(b.at, a.at) })
	last := math.Inf(1)
	for _, l := range all {
		half := 5 * float64(utf8.RuneCountInString(l.text)) // half of its width in large letters
		if l.at+half > last {
			continue
		}
		last = l.at - half - 6
		fmt.Fprintf(b, `<text class="a" x="%.1f" y="%d" text-anchor="middle">%s</text>`, l.at, y, html.EscapeString(l.text))
	}
}

// end is where a line's name stands.
type end struct {
	x, y  float64
	drawn bool
}

// spread moves names that would overlap apart, upwards.
func spread(ends []end) {
	const apart = 19
	order := make([]*end, len(ends))
	for i := range ends {
		order[i] = &ends[i]
	}
	slices.SortFunc(order, func(a, b *end) int { return cmp.Compare(b.y, a.y) })
	for i := 1; i < len(order); i++ {
		order[i].y = min(order[i].y, order[i-1].y-apart)
	}
}

// open begins a drawing; the lines of unit, two at most, stand below the title.
func open(b *bytes.Buffer, height int, title, unit string) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`, width, height, width, height,
		html.EscapeString(title+", "+strings.ReplaceAll(unit, "\n", " ")))
	b.WriteString(style)
	fmt.Fprintf(b, `<text class="t" x="12" y="22">%s</text>`, html.EscapeString(title))
	for i, line := range strings.Split(unit, "\n") {
		fmt.Fprintf(b, `<text class="s" x="12" y="%d">%s</text>`, 39+16*i, html.EscapeString(line))
	}
}

// Short writes a number with k or M and at most three digits.
func Short(x float64) string {
	unit := ""
	switch a := math.Abs(x); {
	case a >= 999_500:
		x, unit = x/1e6, "M"
	case a >= 999.5:
		x, unit = x/1e3, "k"
	}
	digits := 0
	if a := math.Abs(x); a > 0 && a < 100 {
		digits = max(0, min(4, 2-int(math.Floor(math.Log10(a)))))
	}
	text := strconv.FormatFloat(x, 'f', digits, 64)
	if digits > 0 {
		for text[len(text)-1] == '0' {
			text = text[:len(text)-1]
		}
		if text[len(text)-1] == '.' {
			text = text[:len(text)-1]
		}
	}
	return text + unit
}
