package traffic

import (
	"math/rand/v2"
	"time"
)

// Type of an event.
type Type uint8

// The types, and the words they have in a record.
const (
	Exposure Type = iota
	Impression
	Click
	Purchase
)

var typeNames = [...]string{"exposure", "impression", "click", "purchase"}

func (t Type) String() string { return typeNames[t] }

// Event is what the generator drew for one record.
type Event struct {
	ID      uint32 // the number among the originals; a duplicate has its original's
	Subject uint32
	Stamp   int64 // Kafka's timestamp, milliseconds since 1970
	Time    int64 // event time, the same unit
	Type    Type
	Variant uint8 // 0 control, 1 treatment
	Cents   int32
}

// Generator makes the records of a Shape in the order of the log. It never ends: Shape.Events is for whoever asks it.
type Generator struct {
	shape   Shape
	rng     *rand.Rand
	zipf    *rand.Zipf
	seen    []uint64 // a bit for each subject that has an exposure in the log
	scatter uint64   // popularity rank → subject: rank·scatter mod Subjects
	made    int64    // records
	drawn   uint32   // originals
	recent  []Event  // originals that a duplicate may repeat, a ring
}

// NewGenerator starts at the first record. The shape must be valid.
func NewGenerator(shape Shape) *Generator {
	g := &Generator{shape: shape, rng: rand.New(rand.NewPCG(shape.Seed, 0x7469646d61726b)), seen: make([]uint64, (shape.Subjects+63)/64),
		scatter: 2_654_435_761}
	for gcd(g.scatter, uint64(shape.Subjects)) != 1 {
		g.scatter += 2
	}
	if shape.Zipf > 0 {
		g.zipf = rand.NewZipf(g.rng, shape.Zipf, 1, uint64(shape.Subjects-1))
	}
	return g
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Made is the number of records made.
func (g *Generator) Made() int64 { return g.made }

// Next makes the next record.
func (g *Generator) Next() Event {
	stamp := Origin.UnixMilli() + int64(time.Duration(g.made)*g.shape.Step/time.Millisecond)
	g.made++
	preloading := g.shape.Preload && int64(g.drawn) < g.shape.Subjects
	if !preloading && len(g.recent) > 0 && g.chance(g.shape.Duplicates) {
		e := g.recent[g.rng.IntN(len(g.recent))]
		e.Stamp = stamp
		return e
	}
	e := Event{ID: g.drawn, Stamp: stamp}
	if preloading {
		e.Subject = g.scattered(uint64(g.drawn))
	} else {
		e.Subject = g.subject()
	}
	g.drawn++
	first := g.expose(e.Subject)
	g.what(&e, first)
	e.Time = stamp - g.behind(e.Type, first)
	if len(g.recent) < DuplicateWithin {
		g.recent = append(g.recent, e)
	} else {
		g.recent[int(e.ID)%DuplicateWithin] = e
	}
	return e
}

func (g *Generator) chance(p float64) bool { return p > 0 && g.rng.Float64() < p }

// scattered spreads neighbouring ranks over all subjects, so that popular ones share neither partition nor key range.
func (g *Generator) scattered(rank uint64) uint32 {
	return uint32(rank * g.scatter % uint64(g.shape.Subjects)) // both factors are below 2³²
}

func (g *Generator) subject() uint32 {
	switch {
	case g.chance(g.shape.Hot):
		return g.scattered(0)
	case g.zipf != nil:
		return g.scattered(g.zipf.Uint64())
	}
	return uint32(g.rng.Uint64N(uint64(g.shape.Subjects)))
}

// expose marks the subject as seen and says whether it was not.
func (g *Generator) expose(subject uint32) bool {
	word, bit := &g.seen[subject/64], uint64(1)<<(subject%64)
	first := *word&bit == 0
	*word |= bit
	return first
}

// what draws type, variant and amount: a subject's first event is its exposure; of the others 4 % are exposures, 56 %
// impressions, 25 % clicks, 15 % purchases.
func (g *Generator) what(e *Event, first bool) {
	own := mix(uint64(e.Subject))
	e.Variant = uint8(own & 1)
	switch x := g.rng.IntN(100); {
	case first:
	case x < 4:
		if float64(own>>11)/(1<<53) < g.shape.Crossovers {
			e.Variant ^= uint8(g.rng.IntN(2))
		}
	case x < 60:
		e.Type = Impression
	case x < 85:
		e.Type = Click
	default:
		e.Type, e.Cents = Purchase, int32(1+g.rng.IntN(20_000))
	}
}

// behind draws how many milliseconds the event time is behind the append. A first exposure is never late: its subject
// would be nobody.
func (g *Generator) behind(t Type, first bool) int64 {
	lateness := g.shape.Lateness
	if t == Exposure {
		lateness = ExposureLateness
	}
	limit := lateness.Milliseconds()
	switch x := g.rng.Float64(); {
	case x < g.shape.Disorder:
		return g.rng.Int64N(limit * 8 / 10)
	case x < g.shape.Disorder+g.shape.Late && !first:
		return limit + 1 + g.rng.Int64N(limit)
	}
	return g.rng.Int64N(jitter.Milliseconds())
}

// mix is a bijection that spreads all bits: what a subject is follows from its number. Source: the finaliser of SplitMix64
// (Steele, Lea & Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
