package simulate

import (
	"math"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// Arms of an experiment.
const (
	Control = iota
	Treatment
)

// Event is what happens to one subject. Who gets one must not keep it: the stream uses it again.
type Event struct {
	// Subject is 0, 1, 2 … in the order of first appearance.
	Subject int
	// Arm is the variant that the event is an exposure to. A subject with events of both is taken out for good.
	Arm int
	// Num and Den are added to the subject's totals, at the scenario's scale. A mean's Den is not read.
	Num, Den int64
	// Nums are added in place of Num, one for each metric, where the scenario has several.
	Nums []int64
	// Pre is the subject's total before its exposure, with its first event.
	Pre int64
	// Slice is the subject's, from 1, where the scenario has slices.
	Slice int
}

// Population is all that has happened in one experiment: the exact sums of each metric, for the whole and for each slice.
type Population struct {
	s *Scenario
	// Counts are the subjects in it by arm.
	Counts [2]int64
	// Epochs are the same by the stretch of a ramp, where the scenario has one.
	Epochs [][2]int64
	// Cells are by slice (0 is the whole), then by metric; each has both arms.
	Cells []([2]moment.Sums)
	// quick are the whole's first metric's sums in floating point: to see at once that a look is far from any boundary.
	quick [2]floats
	// subjects are kept where one may have several events.
	subjects []subject
	// look is the one that the events come before, epoch its stretch of a ramp; waiting are subjects whose window is not over, in the order of entry.
	look    int
	epoch   int
	waiting []int
	// clip and values are what is frozen, where the scenario freezes something.
	clip   clip
	values distributed
}

type subject struct {
	in, gone bool
	arm      int8
	entry    int // look
	point    moment.Point
}

// floats are sums of numerators and denominators.
type floats struct{ n, a, aa, d, dd, ad float64 }

func newPopulation(s *Scenario) *Population {
	p := &Population{s: s, Cells: make([][2]moment.Sums, (1+s.Slices)*s.metrics()), Epochs: make([][2]int64, len(s.Ramp))}
	p.values.events = [2]*sketch.Quantiles{{}, {}}
	return p
}

// Cell returns the sums of a metric in a slice; slice 0 is the whole.
func (p *Population) Cell(slice, metric int) (treatment, control *moment.Sums) {
	c := &p.Cells[slice*p.s.metrics()+metric]
	return &c[Treatment], &c[Control]
}

// Add counts an event.
func (p *Population) Add(e *Event) {
	s := p.s
	if s.Split {
		p.Counts[e.Arm]++
		if len(p.Epochs) > 0 {
			p.Epochs[p.epoch][e.Arm]++
		}
		return
	}
	if s.Winsorize > 0 {
		p.addClipped(e)
		return
	}
	if !s.Repeated && s.metrics() == 1 && s.Slices == 0 {
		p.Counts[e.Arm]++
		p.enter(0, e.Arm, moment.Point{In: true, Num: e.Num, Den: s.den(e), Pre: e.Pre, PreDen: s.preDen()})
		return
	}
	if !s.Repeated {
		p.Counts[e.Arm]++
		for m, num := range e.Nums {
			point := moment.Point{In: true, Num: num, Den: 1}
			p.enter(m, e.Arm, point)
			if s.Slices > 0 {
				p.Cells[e.Slice*s.metrics()+m][e.Arm].Add(point)
			}
		}
		return
	}
	for e.Subject >= len(p.subjects) {
		p.subjects = append(p.subjects, subject{})
	}
	if s.Quantile > 0 {
		p.addValue(e)
		return
	}
	u := &p.subjects[e.Subject]
	if s.Window > 0 {
		p.wait(u, e)
		return
	}
	switch {
	case u.gone:
	case !u.in:
		u.in, u.arm = true, int8(e.Arm)
		u.point = moment.Point{In: true, Num: e.Num, Den: s.den(e), Pre: e.Pre, PreDen: s.preDen()}
		p.Counts[e.Arm]++
		p.enter(0, e.Arm, u.point)
	case int(u.arm) != e.Arm:
		u.gone = true
		p.Counts[u.arm]--
		p.leave(0, int(u.arm), u.point)
		u.point = moment.Point{}
	default:
		p.leave(0, e.Arm, u.point)
		u.point.Num += e.Num
		if s.Ratio {
			u.point.Den += e.Den
		}
		p.enter(0, e.Arm, u.point)
	}
}

// wait adds an event to a subject that enters as a whole when its window is over; events after that are not its own.
func (p *Population) wait(u *subject, e *Event) {
	if !u.in {
		*u = subject{in: true, arm: int8(e.Arm), entry: p.look, point: moment.Point{In: true, Den: 1}}
		p.waiting = append(p.waiting, e.Subject)
	}
	if p.look < u.entry+p.s.Window {
		u.point.Num += e.Num
	}
}

// begin says which look the next events come before.
func (p *Population) begin(look int) { p.look, p.epoch = look, p.s.stretch(look) }

// settle takes in the subjects whose window can no longer change at this look, and freezes what there is now enough for.
func (p *Population) settle() {
	switch {
	case p.s.Winsorize > 0:
		p.freezeClip()
	case p.s.Quantile > 0:
		p.freezeCut()
	}
	for len(p.waiting) > 0 {
		u := &p.subjects[p.waiting[0]]
		if p.look < u.entry+p.s.Window+p.s.Settle {
			return
		}
		p.waiting = p.waiting[1:]
		p.Counts[u.arm]++
		p.enter(0, int(u.arm), u.point)
	}
}

func (p *Population) enter(metric, arm int, point moment.Point) {
	p.Cells[metric][arm].Add(point)
	if metric == 0 {
		p.quick[arm].add(1, float64(point.Num), float64(point.Den))
	}
}

func (p *Population) leave(metric, arm int, point moment.Point) {
	p.Cells[metric][arm].Sub(point)
	if metric == 0 {
		p.quick[arm].add(-1, float64(point.Num), float64(point.Den))
	}
}

func (f *floats) add(sign, a, d float64) {
	f.n += sign
	f.a += sign * a
	f.aa += sign * a * a
	f.d += sign * d
	f.dd += sign * d * d
	f.ad += sign * a * d
}

// Recomputed says whether the whole's sums are, to the last bit, those of the subjects as they are now: nothing of what was
// corrected or taken out is left behind.
func (p *Population) Recomputed() bool {
	var again [2]moment.Sums
	for i := range p.subjects {
		if u := &p.subjects[i]; u.in && !u.gone {
			again[u.arm].Add(u.point)
		}
	}
	return again == p.Cells[0]
}

// zs returns, to about 10 digits, how many standard errors the whole's first metric's difference is from 0 and from the scenario's
// effect; NaN while a variance is 0.
func (p *Population) zs() (z, missed float64) {
	if p.s.Quantile > 0 {
		return math.Inf(1), math.Inf(1) // no look is passed over
	}
	t, c := &p.quick[Treatment], &p.quick[Control]
	var diff, v float64
	if p.s.Ratio {
		rt, rc := t.a/t.d, c.a/c.d
		diff = rt - rc
		v = t.n/(t.n-1)*(t.aa-2*rt*t.ad+rt*rt*t.dd)/(t.d*t.d) + c.n/(c.n-1)*(c.aa-2*rc*c.ad+rc*rc*c.dd)/(c.d*c.d)
	} else {
		it, ic := 1/t.n, 1/c.n
		mt, mc := t.a*it, c.a*ic
		diff = mt - mc
		v = (t.aa*it-mt*mt)/(t.n-1) + (c.aa*ic-mc*mc)/(c.n-1)
	}
	if !(v > 0) {
		return math.NaN(), math.NaN()
	}
	i := 1 / math.Sqrt(v)
	z = diff * i
	if p.s.Effect == 0 {
		return z, z
	}
	return z, z - p.s.Effect*p.s.unit()*i
}

// Numbers are what a look shows of one metric in one slice.
type Numbers struct {
	T, C stats.Estimate
	// Test is the difference's. In a published one Always is filled in, else by whoever knows the tuning.
	Test stats.Test
	// Adjusted is the difference adjusted by the pre-period.
	Adjusted stats.Test
	// Lift has the one-look interval.
	Lift stats.Lift
	// State is the published word, "" where nothing is published.
	State string
}

// numbers evaluates a cell by package stats, exactly.
func (p *Population) numbers(slice, metric int) (n Numbers, ok bool) {
	if p.s.Quantile > 0 {
		return p.quantiles(false)
	}
	treatment, control := p.Cell(slice, metric)
	var errT, errC error
	n.T, errT = stats.Ratio(treatment, p.s.Scale)
	n.C, errC = stats.Ratio(control, p.s.Scale)
	if errT != nil || errC != nil || n.T.Var.V == 0 || n.C.Var.V == 0 {
		return n, false // nothing can be said while a variance is 0
	}
	n.Test = stats.Difference(treatment, control, n.T, n.C, p.s.Scale, p.s.alpha())
	if p.s.CUPED {
		n.Adjusted = stats.CUPED(treatment, control, stats.Design{Scale: p.s.Scale, Alpha: p.s.alpha()}).Difference
	}
	return n, true
}
