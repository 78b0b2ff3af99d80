package cube

import (
	"cmp"
	"fmt"
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// The tests here drive cubes the way state does, from subjects that change, and compare every cell of every grouping
// with a computation from the subjects themselves (world.cells).

// newPlan returns a plan with one experiment of two variants, a mean m0 and a ratio m1, with a dimension of each kind given.
func newPlan(kinds ...catalog.DimensionKind) *catalog.Plan {
	x := &catalog.Experiment{ID: "x", Variants: []catalog.Variant{{ID: "a", Weight: 1}, {ID: "b", Weight: 1}}, Control: "a"}
	px := catalog.PlanExperiment{Experiment: x}
	for i, k := range kinds {
		px.Dimensions = append(px.Dimensions, catalog.PlanDimension{Dimension: catalog.Dimension{Name: fmt.Sprint("d", i)}, Kind: k})
	}
	for _, id := range []string{"m0", "m1"} {
		px.Metrics = append(px.Metrics, catalog.PlanMetric{MetricUse: catalog.MetricUse{Metric: &catalog.Metric{ID: id}}})
	}
	return &catalog.Plan{Experiments: []catalog.PlanExperiment{px}}
}

const (
	exposure = catalog.ExposureDimension
	profile  = catalog.ProfileDimension
	event    = catalog.EventDimension
)

// subject is one exposed subject; a nil one is not exposed.
type subject struct {
	variant int
	values  []string // by dimension; of event dimensions ""
	events  []happened
}

type happened struct {
	values   []string // by dimension; of subject dimensions ""
	num, den int64
}

type momentSums = moment.Sums

// cellAt names one metric of one cell of the oracle.
type cellAt struct {
	mask    uint
	values  string // joined by |
	variant int
	metric  int
}

// points returns what a subject contributes, to the cells of the groupings that fix the subject dimensions in mask:
// its own totals in each, and itself once.
func (s *subject) points(x *catalog.PlanExperiment, fixed uint) map[cellAt]moment.Point {
	all := map[cellAt]moment.Point{}
	if s == nil {
		return all
	}
	_, events := dimensionMasks(x)
	for e := events; ; e = (e - 1) & events {
		at := func(metric int, h *happened) cellAt {
			values := slices.Clone(s.values)
			for d := range values {
				if e&(1<<d) != 0 {
					values[d] = h.values[d]
				}
				if (e|fixed)&(1<<d) == 0 {
					values[d] = ""
				}
			}
			return cellAt{e | fixed, strings.Join(values, "|"), s.variant, metric}
		}
		if e == 0 {
			all[at(moment.ExposedMetric, nil)] = moment.Point{In: true, Den: 1}
			all[at(0, nil)] = moment.Point{In: true, Den: 1}
			all[at(1, nil)] = moment.Point{In: true}
		}
		for i := range s.events {
			h := &s.events[i]
			p := all[at(0, h)]
			p.In, p.Num, p.Den = true, p.Num+h.num, 1
			all[at(0, h)] = p
			q := all[at(1, h)]
			q.In, q.Num, q.Den = true, q.Num+h.num, q.Den+h.den
			all[at(1, h)] = q
		}
		if e == 0 {
			return all
		}
	}
}

// shard is one shard of a world: a cube with its own dictionary.
type shard struct {
	cube  *Cube
	ids   map[string]uint32
	names []string
}

func newShard(p *catalog.Plan, limits Limits) *shard {
	return &shard{cube: NewLimited(p, limits), ids: map[string]uint32{NoneText: moment.None}}
}

func (s *shard) id(value string) uint32 {
	id, ok := s.ids[value]
	if !ok {
		id = moment.FirstValue + uint32(len(s.names))
		s.ids[value] = id
		s.names = append(s.names, value)
	}
	return id
}

func (s *shard) name(id uint32) string { return s.names[id-moment.FirstValue] }

func (s *shard) cells() *Cells { return s.cube.Snapshot(0, s.name) }

// world is subjects over shards, and what their cells must be.
type world struct {
	t        *testing.T
	plan     *catalog.Plan
	x        *catalog.PlanExperiment
	rng      *rand.Rand
	shards   []*shard
	subjects map[int]*subject
	values   int // values of each dimension
	limits   Limits
}

func newWorld(t *testing.T, seed uint64, shards, values int, limits Limits, kinds ...catalog.DimensionKind) *world {
	p := newPlan(kinds...)
	w := &world{t: t, plan: p, x: &p.Experiments[0], rng: rand.New(rand.NewPCG(seed, 0)), subjects: map[int]*subject{}, values: values, limits: limits}
	for range shards {
		w.shards = append(w.shards, newShard(p, limits))
	}
	return w
}

func (w *world) value() string {
	if w.rng.IntN(8) == 0 {
		return NoneText
	}
	// Squared, so that some values are common and some rare.
	return fmt.Sprint("v", w.rng.IntN(w.values)*w.rng.IntN(w.values)/w.values)
}

func (w *world) draw() *subject {
	s := &subject{variant: w.rng.IntN(2), values: make([]string, len(w.x.Dimensions))}
	for d := range w.x.Dimensions {
		if w.x.Dimensions[d].Kind != event {
			s.values[d] = w.value()
		}
	}
	for range w.rng.IntN(4) {
		w.addEvent(s)
	}
	return s
}

func (w *world) addEvent(s *subject) {
	h := happened{values: make([]string, len(w.x.Dimensions)), num: w.rng.Int64N(7) - 2, den: w.rng.Int64N(3)}
	for d := range w.x.Dimensions {
		if w.x.Dimensions[d].Kind == event {
			h.values[d] = w.value()
		}
	}
	s.events = append(s.events, h)
}

// step changes one subject, new or known.
func (w *world) step(id int) {
	old := w.subjects[id]
	var next *subject
	switch k := w.rng.IntN(10); {
	case old == nil || k == 0:
		next = w.draw()
	case k == 1: // a crossover, say: out of every cell
	case k == 2:
		c := *old
		c.variant = 1 - c.variant
		next = &c
	case k == 3:
		c := *old
		c.values = w.draw().values
		next = &c
	case k == 4 && len(old.events) > 0: // an event turned out to be outside
		c := *old
		c.events = slices.Delete(slices.Clone(c.events), 0, 1)
		next = &c
	default:
		c := *old
		c.events = slices.Clone(c.events)
		w.addEvent(&c)
		next = &c
	}
	w.set(id, next)
}

// set makes a subject what it is now, by changes as state makes them.
func (w *world) set(id int, next *subject) {
	subjectDims, _ := dimensionMasks(w.x)
	was, is := w.subjects[id].points(w.x, subjectDims), next.points(w.x, subjectDims)
	keys := maps.Clone(was)
	maps.Copy(keys, is)
	s := w.shards[id%len(w.shards)]
	order := slices.SortedFunc(maps.Keys(keys), func(a, b cellAt) int {
		return cmp.Or(cmp.Compare(a.mask, b.mask), cmp.Compare(a.values, b.values), a.variant-b.variant, a.metric-b.metric)
	})
	if w.rng.IntN(2) == 0 {
		slices.Reverse(order)
	}
	for _, at := range order {
		s.cube.Change(moment.Change{Variant: at.variant, Metric: at.metric, Slice: s.slice(at), Old: was[at], New: is[at]})
	}
	if next == nil {
		delete(w.subjects, id)
	} else {
		w.subjects[id] = next
	}
}

func (s *shard) slice(at cellAt) (sl moment.Slice) {
	for d, v := range strings.Split(at.values, "|") {
		if at.mask&(1<<d) != 0 {
			sl[d] = s.id(v)
		}
	}
	return sl
}

// cells computes every cell of a grouping from the subjects.
func (w *world) cells(mask uint) map[cellAt]moment.Sums {
	subjectDims, _ := dimensionMasks(w.x)
	cells := map[cellAt]moment.Sums{}
	for _, s := range w.subjects {
		for at, p := range s.points(w.x, mask&subjectDims) {
			if at.mask == mask {
				sums := cells[at]
				sums.Add(p)
				cells[at] = sums
			}
		}
	}
	return cells
}

// flat writes a rollup as the oracle does.
func flat(x *catalog.PlanExperiment, r *Rollup) map[cellAt]moment.Sums {
	cells := map[cellAt]moment.Sums{}
	for _, row := range r.Rows {
		values, i := make([]string, len(x.Dimensions)), 0
		for m := r.Mask; m != 0; m &= m - 1 {
			values[bits.TrailingZeros(m)] = row.Values[i]
			i++
		}
		for v, c := range row.Arms {
			for metric := moment.ExposedMetric; metric < len(x.Metrics); metric++ {
				if sums := *c.Metric(metric); sums != (moment.Sums{}) {
					cells[cellAt{r.Mask, strings.Join(values, "|"), v, metric}] = sums
				}
			}
		}
	}
	return cells
}

// check compares every cell of every grouping.
func (w *world) check(c *Cells, label string) {
	w.t.Helper()
	for _, mask := range c.Groupings() {
		got, want := flat(w.x, c.Rollup(mask)), w.cells(mask)
		if !maps.Equal(got, want) {
			w.t.Fatalf("%s: grouping %b has\n%v\nwant\n%v", label, mask, got, want)
		}
		sorted := slices.IsSortedFunc(c.Rollup(mask).Rows, func(a, b Row) int { return slices.Compare(a.Values, b.Values) })
		if !sorted {
			w.t.Fatalf("%s: rows of grouping %b are not sorted", label, mask)
		}
	}
}
