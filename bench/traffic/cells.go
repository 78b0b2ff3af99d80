package traffic

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"math/bits"
	"strings"
)

// Key of a cell. Slice is "name=value" of the fixed dimensions, in the order of Dimensions, joined by "&"; "" is the whole.
type Key struct{ Variant, Slice, Metric string }

// Sum is an exact sum of natural numbers below 2¹²⁸.
type Sum struct{ Hi, Lo uint64 }

func (s *Sum) add(x, y uint64) {
	hi, lo := bits.Mul64(x, y)
	s.merge(Sum{hi, lo})
}

func (s *Sum) merge(o Sum) {
	var carry uint64
	s.Lo, carry = bits.Add64(s.Lo, o.Lo, 0)
	s.Hi, carry = bits.Add64(s.Hi, o.Hi, carry)
	if carry != 0 {
		panic("traffic: a sum does not fit 128 bits")
	}
}

func (s *Sum) remove(x, y uint64) {
	hi, lo := bits.Mul64(x, y)
	var borrow uint64
	s.Lo, borrow = bits.Sub64(s.Lo, lo, 0)
	s.Hi, borrow = bits.Sub64(s.Hi, hi, borrow)
	if borrow != 0 {
		panic("traffic: a sum falls below zero")
	}
}

// String is the sum in decimal.
func (s Sum) String() string {
	v := new(big.Int).SetUint64(s.Hi)
	return v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(s.Lo)).String()
}

// Cell holds the exact moments of a cell.
type Cell struct {
	N                int64
	X, Y, XX, YY, XY Sum
}

// Add adds a subject.
func (c *Cell) Add(x, y uint64) {
	c.N++
	c.X.add(x, 1)
	c.Y.add(y, 1)
	c.XX.add(x, x)
	c.YY.add(y, y)
	c.XY.add(x, y)
}

// Remove takes out a subject that was added with these values.
func (c *Cell) Remove(x, y uint64) {
	c.N--
	c.X.remove(x, 1)
	c.Y.remove(y, 1)
	c.XX.remove(x, x)
	c.YY.remove(y, y)
	c.XY.remove(x, y)
}

func (c *Cell) merge(o *Cell) {
	c.N += o.N
	c.X.merge(o.X)
	c.Y.merge(o.Y)
	c.XX.merge(o.XX)
	c.YY.merge(o.YY)
	c.XY.merge(o.XY)
}

// Cells of one experiment; those with no subject are not in it.
type Cells map[Key]*Cell

// base collects the finest cells: every dimension fixed.
type base struct {
	shape   Shape
	job     Job
	metrics []Metric
	cells   map[baseKey][]Cell // by metric
	profile []uint32
}

type baseKey struct {
	variant uint8
	values  [8]uint32
}

func newBase(shape Shape, job Job) *base {
	return &base{shape: shape, job: job, metrics: job.MetricList(), cells: map[baseKey][]Cell{}}
}

// add adds one subject; counts says whether a record counts for a metric's x (true) or y.
func (b *base) add(subject uint32, variant uint8, list []counted, counts func(m Metric, c counted, x bool) bool) {
	b.profile = b.shape.Profile(subject, b.profile)
	key := baseKey{variant: variant}
	copy(key.values[:b.job.Dimensions], b.profile)
	cells := b.cells[key]
	if cells == nil {
		cells = make([]Cell, len(b.metrics))
		b.cells[key] = cells
	}
	for i, m := range b.metrics {
		var x, y uint64
		for _, c := range list {
			kind := c.kind()
			if kind == m.X && counts(m, c, true) {
				switch {
				case m.Over < 0:
					x++
				case c.cents() > m.Over:
					x += uint64(c.cents())
				}
			}
			if kind == m.Y && !m.Mean() && counts(m, c, false) {
				y++
			}
		}
		if m.Mean() {
			y = 1
		}
		cells[i].Add(x, y)
	}
}

// rollup adds the finest cells up into all groupings.
func (b *base) rollup() Cells {
	out := Cells{}
	names := Dimensions(b.shape.Dimensions)[:b.job.Dimensions]
	for key, cells := range b.cells {
		for mask := range 1 << len(names) {
			var parts []string
			for d, name := range names {
				if mask>>d&1 == 1 {
					parts = append(parts, name+"="+b.shape.Value(d, key.values[d]))
				}
			}
			slice := strings.Join(parts, "&")
			for i := range cells {
				k := Key{variants[key.variant], slice, b.metrics[i].ID}
				if out[k] == nil {
					out[k] = new(Cell)
				}
				out[k].merge(&cells[i])
			}
		}
	}
	return out
}

// line is a cell as peers write it.
type line struct {
	Variant string            `json:"variant"`
	Slice   map[string]string `json:"slice"`
	Metric  string            `json:"metric"`
	N       json.Number       `json:"n"`
	X       natural           `json:"sum_x"`
	Y       natural           `json:"sum_y"`
	XX      natural           `json:"sum_xx"`
	YY      natural           `json:"sum_yy"`
	XY      natural           `json:"sum_xy"`
}

// natural is a JSON number without fraction, or a string of digits.
type natural Sum

func (n *natural) UnmarshalJSON(text []byte) error {
	v, ok := new(big.Int).SetString(strings.Trim(string(text), `"`), 10)
	if !ok || v.Sign() < 0 || v.BitLen() > 128 {
		return fmt.Errorf("%s: want a natural number below 2¹²⁸ in decimal digits, as a number or a string", text)
	}
	n.Lo = new(big.Int).And(v, new(big.Int).SetUint64(1<<64-1)).Uint64()
	n.Hi = v.Rsh(v, 64).Uint64()
	return nil
}

func (n natural) MarshalJSON() ([]byte, error) { return []byte(`"` + Sum(n).String() + `"`), nil }

// Slice names a slice by its values as Key does.
func Slice(dimensions []string, values map[string]string) (string, error) {
	var parts []string
	for _, name := range dimensions {
		if v, ok := values[name]; ok {
			parts = append(parts, name+"="+v)
		}
	}
	if len(parts) != len(values) {
		return "", fmt.Errorf("traffic: slice %v: the dimensions are %v", values, dimensions)
	}
	return strings.Join(parts, "&"), nil
}

// Read reads cells as peers write them.
func Read(r io.Reader, dimensions []string) (Cells, error) {
	out := Cells{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("traffic: cells, line %d: %w", n, err)
		}
		count, err := l.N.Int64()
		if err != nil {
			return nil, fmt.Errorf("traffic: cells, line %d: n: %w", n, err)
		}
		slice, err := Slice(dimensions, l.Slice)
		if err != nil {
			return nil, fmt.Errorf("traffic: cells, line %d: %w", n, err)
		}
		key := Key{l.Variant, slice, l.Metric}
		if out[key] != nil {
			return nil, fmt.Errorf("traffic: cells, line %d: a second line for %v", n, key)
		}
		out[key] = &Cell{N: count, X: Sum(l.X), Y: Sum(l.Y), XX: Sum(l.XX), YY: Sum(l.YY), XY: Sum(l.XY)}
	}
	return out, lines.Err()
}

// Write writes cells as Read reads them, sorted.
func (c Cells) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	encoder := json.NewEncoder(out)
	for _, key := range c.keys() {
		cell, slice := c[key], map[string]string{}
		if key.Slice != "" {
			for _, part := range strings.Split(key.Slice, "&") {
				name, value, _ := strings.Cut(part, "=")
				slice[name] = value
			}
		}
		n := json.Number(fmt.Sprint(cell.N))
		if err := encoder.Encode(line{key.Variant, slice, key.Metric, n, natural(cell.X), natural(cell.Y), natural(cell.XX), natural(cell.YY), natural(cell.XY)}); err != nil {
			return err
		}
	}
	return out.Flush()
}
