package protocol

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/simulate"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// begin is the time of the first look; later looks are a scenario's step apart.
var begin = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// experimentID and source are what Definitions calls them.
const (
	experimentID = "simulated"
	source       = "events"
)

// memory is what one engine's state plans with: simulated experiments are small, and there are as many at a time as workers.
const memory = 512 << 20

// dirtyBytes is what an engine applies before it commits, unless an Opener says otherwise: 1.3 million subjects, which take about
// 1.4 GB before they are written. It bounds what one experiment takes; committing earlier takes less memory and up to twice the time.
const dirtyBytes = 256 << 20

var arms = [2]string{simulate.Control: "control", simulate.Treatment: "treatment"}

// Opener opens engines for the experiments of scenarios. Its definitions are loaded once a scenario. Any goroutine may call Open.
type Opener struct {
	// DirtyBytes is what an engine applies before it commits; default 256 MiB, which most experiments never reach.
	DirtyBytes int64

	hooks stream.Hooks // for tests

	mu   sync.Mutex
	sets map[string]*catalog.Set
}

// engine is one experiment in a built engine.
type engine struct {
	s       *simulate.Scenario
	stepper *stream.Stepper
	look    int
	text    []byte // of the records since the last look
	last    *results.Result
	rows    map[string]int // place in Published.Numbers by row
}

// Open begins an experiment: an engine of one shard in memory.
func (o *Opener) Open(s *simulate.Scenario) (simulate.Engine, error) {
	set, err := o.set(s)
	if err != nil {
		return nil, err
	}
	opt := stream.Options{Memory: memory, DirtyBytes: cmp.Or(o.DirtyBytes, dirtyBytes), Hooks: o.hooks, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: func() time.Time { return begin }}
	if s.Tuning.Set() {
		row := results.Row{Metric: "M00", Variant: arms[simulate.Treatment]}
		opt.Facts = map[string]map[string]results.Tuning{experimentID: {row.Key(): {V: s.Tuning.V, Tau2: s.Tuning.Tau2, Set: &begin}}}
	}
	stepper, err := stream.NewStepper(set, opt)
	if err != nil {
		return nil, err
	}
	return &engine{s: s, stepper: stepper}, nil
}

func (o *Opener) set(s *simulate.Scenario) (*catalog.Set, error) {
	text := Definitions(s)
	o.mu.Lock()
	defer o.mu.Unlock()
	if set := o.sets[text]; set != nil {
		return set, nil
	}
	set, err := load(text)
	if err != nil {
		return nil, err
	}
	if o.sets == nil {
		o.sets = make(map[string]*catalog.Set)
	}
	o.sets[text] = set
	return set, nil
}

// now is the time of the events before the next look.
func (g *engine) now() time.Time {
	if g.s.Step > 0 {
		return begin.Add(time.Duration(g.look) * g.s.Step)
	}
	return begin.Add(time.Duration(g.look) * time.Millisecond)
}

// Event appends the record of an event, and before it that of the pre-period.
func (g *engine) Event(e *simulate.Event) error {
	at := g.now()
	if g.s.CUPED {
		before := at.Add(-24 * time.Hour)
		if err := g.append(at, e, func(b []byte) []byte {
			b = strconv.AppendInt(append(b, `,"t":`...), before.UnixMilli(), 10)
			return number(append(b, `,"x0":`...), e.Pre, g.s.Scale.Num)
		}); err != nil {
			return err
		}
	}
	return g.append(at, e, func(b []byte) []byte {
		b = strconv.AppendInt(append(b, `,"t":`...), at.UnixMilli(), 10)
		b = append(append(append(b, `,"v":"`...), arms[e.Arm]...), '"')
		switch {
		case g.s.Split:
		case e.Nums != nil:
			for m, num := range e.Nums {
				b = strconv.AppendInt(append(b, `,"x`...), int64(m), 10)
				b = number(append(b, `":`...), num, g.s.Scale.Num)
			}
		default:
			b = number(append(b, `,"x0":`...), e.Num, g.s.Scale.Num)
		}
		if g.s.Ratio {
			b = number(append(b, `,"d":`...), e.Den, g.s.Scale.Den)
		}
		if g.s.Slices > 0 {
			b = append(strconv.AppendInt(append(b, `,"g":"g`...), int64(e.Slice), 10), '"')
		}
		return b
	})
}

func (g *engine) append(at time.Time, e *simulate.Event, fields func([]byte) []byte) error {
	from := len(g.text)
	b := strconv.AppendInt(append(g.text, `{"s":"u`...), int64(e.Subject), 10)
	b = fields(append(b, '"'))
	b = append(b, '}')
	g.text = b
	value := b[from:len(b):len(b)]
	key := value[len(`{"s":"`):]
	for i, c := range key {
		if c == '"' {
			key = key[:i]
			break
		}
	}
	return g.stepper.Append(source, at, key, value)
}

// number writes v·10^−scale in decimal.
func number(b []byte, v int64, scale int) []byte {
	if v < 0 {
		b, v = append(b, '-'), -v
	}
	unit := int64(1)
	for range scale {
		unit *= 10
	}
	b = strconv.AppendInt(b, v/unit, 10)
	if scale == 0 {
		return b
	}
	at := len(b)
	b = strconv.AppendInt(b, v%unit+unit, 10) // its first digit, 1, makes room for the point
	b[at] = '.'
	return b
}

// Look evaluates what the engine has, as it does for what it publishes.
func (g *engine) Look() (*simulate.Published, error) {
	r, err := g.stepper.Results(experimentID)
	if err != nil {
		return nil, err
	}
	g.last, g.text = r, g.text[:0]
	g.look++
	p := &simulate.Published{Counts: [2]int64{r.Subjects[arms[0]], r.Subjects[arms[1]]}, PSequential: given(r.SRM.PSequential)}
	if g.s.Split {
		return p, nil
	}
	metrics := max(1, g.s.Metrics)
	p.Numbers = make([]simulate.Numbers, (1+g.s.Slices)*metrics)
	for i := range r.Rows {
		row := &r.Rows[i]
		at, err := g.place(row)
		if err != nil {
			return nil, err
		}
		p.Numbers[at] = numbers(row)
	}
	p.Counts = [2]int64{simulate.Control: p.Numbers[0].C.N, simulate.Treatment: p.Numbers[0].T.N}
	return p, nil
}

// place is where a row stands: by slice, then by metric.
func (g *engine) place(row *results.Row) (int, error) {
	if len(row.Slice) == 0 && g.s.Metrics <= 1 {
		return 0, nil
	}
	key := row.Key()
	if at, ok := g.rows[key]; ok {
		return at, nil
	}
	metric, err := strconv.Atoi(row.Metric[1:])
	slice := 0
	if err == nil && len(row.Slice) > 0 {
		slice, err = strconv.Atoi(row.Slice["slice"][1:])
	}
	if err != nil || metric >= max(1, g.s.Metrics) || slice > g.s.Slices {
		return 0, fmt.Errorf("protocol: row %s is of no metric or slice of the scenario", key)
	}
	if g.rows == nil {
		g.rows = make(map[string]int)
	}
	g.rows[key] = slice*max(1, g.s.Metrics) + metric
	return g.rows[key], nil
}

// numbers takes what a rule needs from a published row, and nothing else.
func numbers(row *results.Row) simulate.Numbers {
	t, c := row.ByVariant[row.Variant], row.ByVariant[row.Control]
	n := simulate.Numbers{
		T: estimate(t), C: estimate(c),
		Test: test(&row.Difference), Lift: stats.Lift{Value: given(row.Lift.Value), Interval: between(row.Lift.Interval), IntervalAlways: between(row.Lift.IntervalAlways)},
		State: row.State,
	}
	if row.CUPED != nil {
		n.Adjusted = test(&row.CUPED.Difference)
	}
	return n
}

// estimate is an arm's as published; its variance is the square of the standard error that is.
func estimate(a results.Arm) stats.Estimate {
	e := stats.Estimate{N: a.N, Value: given(a.Value), SE: given(a.SE)}
	e.Var = stats.Number{V: e.SE.V * e.SE.V, OK: e.SE.OK}
	return e
}

func test(d *results.Difference) stats.Test {
	return stats.Test{Value: given(d.Value), SE: given(d.SE), Z: given(d.Z), P: given(d.P), Interval: between(d.Interval),
		Always: stats.Always{P: given(d.PAlways), Interval: between(d.IntervalAlways)}}
}

func given(v *float64) stats.Number {
	if v == nil {
		return stats.Number{}
	}
	return stats.Number{V: *v, OK: true}
}

func between(i results.Interval) stats.Interval {
	if i == nil {
		return stats.Interval{}
	}
	return stats.Interval{Low: i[0], High: i[1], OK: true}
}

// Sums returns the published sums of the whole's first metric.
func (g *engine) Sums() (treatment, control string) {
	for i := range g.last.Rows {
		row := &g.last.Rows[i]
		if row.Metric != "M00" || len(row.Slice) > 0 {
			continue
		}
		text := func(a results.Arm) string {
			return simulate.SumsText(a.N, a.SumNum, a.SumDen, a.SumNum2, a.SumDen2, a.SumNumDen)
		}
		return text(row.ByVariant[row.Variant]), text(row.ByVariant[row.Control])
	}
	return "", ""
}

// Close ends the engine.
func (g *engine) Close() error { return g.stepper.Close() }
