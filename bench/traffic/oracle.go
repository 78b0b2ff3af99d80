package traffic

import (
	"cmp"
	"slices"
)

// counted is what the oracle keeps of a record that is not late.
type counted struct {
	subject, id uint32
	millis      uint32 // event time since Origin − 2·lateness
	what        uint32 // type, variant<<2, cents<<3
}

func (c counted) kind() Type     { return Type(c.what & 3) }
func (c counted) variant() uint8 { return uint8(c.what >> 2 & 1) }
func (c counted) cents() int32   { return int32(c.what >> 3) }

// chunks is into how many parts the subjects are split: each is sorted by itself.
const chunks = 64

// Oracle computes the exact cells of a job over a log: it takes the records in the order of the log, keeps 16 bytes of
// each, and decides subject by subject at the end. It is fast because the job is fixed; what it says is what bench/oracle says.
type Oracle struct {
	shape     Shape
	semantics Semantics
	bound     []int64 // b by partition, milliseconds
	kept      [chunks][]counted
	key       []byte
	// Late counts the records that came too late.
	Late int64
}

// NewOracle for a log of the shape.
func NewOracle(shape Shape, semantics Semantics) *Oracle {
	o := &Oracle{shape: shape, semantics: semantics, bound: make([]int64, shape.Partitions)}
	for i := range o.bound {
		o.bound[i] = -1 << 62
	}
	return o
}

// Add takes the next record of the log.
func (o *Oracle) Add(e Event) {
	if o.semantics != Bare && o.late(e) {
		o.Late++
		return
	}
	from := Origin.UnixMilli() - 2*o.shape.Lateness.Milliseconds()
	at := e.Subject % chunks
	o.kept[at] = append(o.kept[at], counted{e.Subject, e.ID, uint32(e.Time - from), uint32(e.Type) | uint32(e.Variant)<<2 | uint32(e.Cents)<<3})
}

// late applies DESIGN §5: an event is late iff b − t > L, where the exposures' L is the smaller of the source's and Lₓ.
func (o *Oracle) late(e Event) bool {
	o.key = AppendKey(o.key[:0], e.Subject)
	b := &o.bound[Partition(o.key, o.shape.Partitions)]
	*b = max(*b, e.Stamp)
	allowed := o.shape.Lateness
	if e.Type == Exposure {
		allowed = min(allowed, ExposureLateness)
	}
	return *b-e.Time > allowed.Milliseconds()
}

// Cells are the cells of the job over what was added; the Oracle is used up.
func (o *Oracle) Cells(job Job) Cells {
	base := newBase(o.shape, job)
	for i := range o.kept {
		list := o.kept[i]
		slices.SortFunc(list, func(a, b counted) int {
			return cmp.Or(cmp.Compare(a.subject, b.subject), cmp.Compare(a.id, b.id))
		})
		for len(list) > 0 {
			n := 1
			for n < len(list) && list[n].subject == list[0].subject {
				n++
			}
			o.subject(base, list[:n])
			list = list[n:]
		}
		o.kept[i] = nil
	}
	return base.rollup()
}

// subject adds one subject's totals to the cells. Its records are sorted by id.
func (o *Oracle) subject(base *base, list []counted) {
	switch o.semantics {
	case Bare:
		for v := range uint8(2) {
			own := slices.DeleteFunc(slices.Clone(list), func(c counted) bool { return c.variant() != v })
			if len(own) > 0 {
				base.add(own[0].subject, v, own, everything)
			}
		}
		return
	case Dedupe:
		// What is late is gone, and duplicates are the same bytes: which of them is kept makes no difference.
		list = slices.CompactFunc(list, func(a, b counted) bool { return a.id == b.id })
	}
	t0, met := uint32(1<<32-1), [2]bool{}
	for _, c := range list {
		if c.kind() == Exposure {
			t0 = min(t0, c.millis)
			met[c.variant()] = true
		}
	}
	if met[0] == met[1] {
		return // none, or a crossover
	}
	variant := uint8(0)
	if met[1] {
		variant = 1
	}
	first := func(t Type) uint32 {
		at := uint32(1<<32 - 1)
		for _, c := range list {
			if c.kind() == t && c.millis >= t0 {
				at = min(at, c.millis)
			}
		}
		return at
	}
	firsts := [...]uint32{Impression: first(Impression), Click: first(Click)}
	base.add(list[0].subject, variant, list, func(m Metric, c counted, x bool) bool {
		if x && !m.Mean() {
			return c.millis >= firsts[m.Y]
		}
		return c.millis >= t0
	})
}

func everything(Metric, counted, bool) bool { return true }
