package traffic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/bench/oracle"
	"github.com/tidemark/tidemark/stream"
)

// small is a log with much of everything in few records.
func small(seed uint64) Shape {
	s := Standard(8_000, 800, 1.1)
	s.Seed, s.Disorder, s.Late, s.Crossovers, s.Partitions = seed, 0.1, 0.05, 0.05, 3
	return s
}

// record is a record as its JSON says.
type record struct {
	ID   string
	TS   int64
	Type string
	User struct{ ID, Plan string }
	// Device has platform, country, agent and d4 …
	Device     map[string]string
	Experiment struct{ ID, Variant string }
	Cents      int64
}

// read decodes a record for bench/oracle.
func read(t testing.TB, value []byte, partition int32, offset, stamp int64) oracle.Record {
	t.Helper()
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		t.Fatalf("%v in %s", err, value)
	}
	fields := map[string]string{"user_id": r.User.ID, "plan": r.User.Plan, "cents": fmt.Sprint(r.Cents)}
	for name, v := range r.Device {
		fields[name] = v
	}
	return oracle.Record{Def: r.Type, Subject: r.User.ID, Time: r.TS * 1000, HasID: true, ID: r.ID, Source: "shop", Partition: int(partition), Offset: offset,
		Timestamp: stamp * 1000, Variant: r.Experiment.Variant, Fields: fields}
}

// spec is the job as bench/oracle takes it.
func spec(shape Shape, job Job) oracle.Spec {
	e := oracle.Experiment{ID: "ranking", Exposure: "exposure", Variants: Variants(), Start: Start.UnixMicro(), Lateness: ExposureLateness.Microseconds()}
	for _, name := range Dimensions(job.Dimensions) {
		e.Dimensions = append(e.Dimensions, oracle.Dimension{Name: name})
	}
	for _, m := range job.MetricList() {
		x := oracle.Metric{ID: m.ID, Numerator: oracle.Term{Event: m.X.String(), Agg: "COUNT", Value: "user_id"}}
		if m.Over >= 0 {
			x.Numerator = oracle.Term{Event: m.X.String(), Agg: "SUM", Value: "cents", Where: func(r oracle.Record) bool {
				return oracle.Scaled(r.Fields["cents"], 0).Int64() > int64(m.Over)
			}}
		}
		if !m.Mean() {
			x.Denominator, x.Ordered = &oracle.Term{Event: m.Y.String(), Agg: "COUNT", Value: "user_id"}, true
		}
		e.Metrics = append(e.Metrics, x)
	}
	s := oracle.Spec{Experiments: []oracle.Experiment{e}}
	for _, name := range typeNames {
		s.Events = append(s.Events, oracle.EventDef{ID: name, Source: "shop", Lateness: shape.Lateness.Microseconds(), OnlyExposure: name == "exposure"})
	}
	return s
}

func TestOracleEqualsTheNaiveOracle(t *testing.T) {
	for seed := range uint64(4) {
		shape := small(seed)
		shape.Dimensions = 4
		job := Job{Experiments: 1, Metrics: 6, Dimensions: 3 + int(seed%2), Dedupe: seed%2 == 0}
		t.Logf("seed %d", seed)
		fast := NewOracle(shape, job.Semantics())
		g, w := NewGenerator(shape), NewWriter(shape)
		var log []oracle.Record
		offsets := make([]int64, shape.Partitions)
		for range shape.Events {
			e := g.Next()
			fast.Add(e)
			key := AppendKey(nil, e.Subject)
			p := stream.Partition(key, shape.Partitions)
			r := read(t, w.Append(nil, e), p, offsets[p], e.Stamp)
			if r.HasID = job.Dedupe; r.Subject != string(key) {
				t.Fatalf("the record's subject is %q, its key %q", r.Subject, key)
			}
			offsets[p]++
			log = append(log, r)
		}
		answer := oracle.Compute(spec(shape, job), log)
		want := Cells{}
		for key, cell := range answer.Cells {
			sum := func(v *big.Int) Sum {
				return Sum{Hi: new(big.Int).Rsh(v, 64).Uint64(), Lo: new(big.Int).And(v, new(big.Int).SetUint64(math.MaxUint64)).Uint64()}
			}
			want[Key{key.Variant, key.Slice, key.Metric}] = &Cell{cell.N, sum(cell.Num), sum(cell.Den), sum(cell.Num2), sum(cell.Den2), sum(cell.NumDen)}
		}
		got := fast.Cells(job)
		for i, d := range want.Differences(got) {
			if i < 5 {
				t.Error(d)
			}
		}
		if answer.Crossovers["ranking"] == 0 || len(want) < 500 || fast.Late == 0 {
			t.Errorf("the log tests too little: %d crossovers, %d cells, %d late", answer.Crossovers["ranking"], len(want), fast.Late)
		}
	}
}

// TestBareIsAGroupBy computes the bare cells as a database would.
func TestBareIsAGroupBy(t *testing.T) {
	shape, job := small(7), TheJob()
	o, g, w := NewOracle(shape, Bare), NewGenerator(shape), NewWriter(shape)
	type group struct{ variant, user, platform, country, plan string }
	type totals struct{ click, impression, purchase, cents uint64 }
	groups := map[group]*totals{}
	for range shape.Events {
		e := g.Next()
		o.Add(e)
		r := read(t, w.Append(nil, e), 0, 0, 0)
		k := group{r.Variant, r.Subject, r.Fields["platform"], r.Fields["country"], r.Fields["plan"]}
		if groups[k] == nil {
			groups[k] = new(totals)
		}
		switch r.Def {
		case "click":
			groups[k].click++
		case "impression":
			groups[k].impression++
		case "purchase":
			groups[k].purchase++
			groups[k].cents += oracle.Scaled(r.Fields["cents"], 0).Uint64()
		}
	}
	want := Cells{}
	for k, v := range groups {
		for mask := range 8 {
			var parts []string
			for i, p := range []string{"platform=" + k.platform, "country=" + k.country, "plan=" + k.plan} {
				if mask>>i&1 == 1 {
					parts = append(parts, p)
				}
			}
			for metric, xy := range map[string][2]uint64{"ctr": {v.click, v.impression}, "revenue": {v.cents, 1}, "order_rate": {v.purchase, v.click}} {
				key := Key{k.variant, strings.Join(parts, "&"), metric}
				if want[key] == nil {
					want[key] = new(Cell)
				}
				x, y := xy[0], xy[1]
				want[key].merge(&Cell{1, Sum{Lo: x}, Sum{Lo: y}, Sum{Lo: x * x}, Sum{Lo: y * y}, Sum{Lo: x * y}})
			}
		}
	}
	for i, d := range want.Differences(o.Cells(job)) {
		if i < 5 {
			t.Error(d)
		}
	}
}

func TestDifferencesNoticeEveryWrongCell(t *testing.T) {
	shape := small(1)
	o, g := NewOracle(shape, Full), NewGenerator(shape)
	for range shape.Events {
		o.Add(g.Next())
	}
	want := o.Cells(TheJob())
	var text bytes.Buffer
	if err := want.Write(&text); err != nil {
		t.Fatal(err)
	}
	again := func() Cells {
		c, err := Read(bytes.NewReader(text.Bytes()), Dimensions(3))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if d := want.Differences(again()); len(d) > 0 {
		t.Fatalf("what was written is not what is read: %v", d[0])
	}
	rng := rand.New(rand.NewPCG(1, 1))
	keys := want.keys()
	for name, break1 := range map[string]func(Cells, Key){
		"n":       func(c Cells, k Key) { c[k].N++ },
		"x":       func(c Cells, k Key) { c[k].X.Lo++ },
		"yy":      func(c Cells, k Key) { c[k].YY.Hi++ },
		"xy":      func(c Cells, k Key) { c[k].XY.Lo-- },
		"missing": func(c Cells, k Key) { delete(c, k) },
		"extra":   func(c Cells, k Key) { k.Slice += "&d4=v1"; c[k] = &Cell{N: 1} },
	} {
		got, key := again(), keys[rng.IntN(len(keys))]
		break1(got, key)
		if d := want.Differences(got); len(d) != 1 {
			t.Errorf("%s of %v: %d differences, want 1: %v", name, key, len(d), d)
		}
	}
	for _, bad := range []string{`{"variant":"control","slice":{"planet":"mars"},"metric":"ctr","n":1}`, `{"n":1,"sum_x":1.5}`, `{"n":1,"sum_x":-1}`, `nonsense`} {
		if _, err := Read(strings.NewReader(bad), Dimensions(3)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestGeneratorRepeatsItself(t *testing.T) {
	make1 := func(s Shape) (out []byte) {
		g, w := NewGenerator(s), NewWriter(s)
		for range s.Events {
			out = w.Append(out, g.Next())
		}
		return out
	}
	first := make1(small(3))
	if !bytes.Equal(first, make1(small(3))) {
		t.Error("the same seed gives another log")
	}
	if bytes.Equal(first, make1(small(4))) {
		t.Error("another seed gives the same log")
	}
	a, again, b := small(3), small(3), small(4)
	if a.Name() != again.Name() || a.Name() == b.Name() {
		t.Errorf("names do not tell logs apart: %s, %s, %s", a.Name(), again.Name(), b.Name())
	}
}

func TestSharesAreAsStated(t *testing.T) {
	for _, shape := range []Shape{Standard(300_000, 100_000, 1.1), Standard(300_000, 100_000, 0)} {
		g, w := NewGenerator(shape), NewWriter(shape)
		seen, originals, subjects := map[uint32]int{}, map[uint32]bool{}, map[uint32]bool{}
		var duplicates, behind, late, firstLate, bytes, last int64
		for range shape.Events {
			e := g.Next()
			if originals[e.ID] {
				duplicates++
			} else {
				allowed := shape.Lateness.Milliseconds()
				if e.Type == Exposure {
					allowed = ExposureLateness.Milliseconds()
				}
				switch b := e.Stamp - e.Time; {
				case b > allowed:
					late++
					if !subjects[e.Subject] {
						firstLate++
					}
				case b > jitter.Milliseconds():
					behind++
				}
			}
			if e.Stamp < last {
				t.Fatal("a record's timestamp falls")
			}
			last = e.Stamp
			if !subjects[e.Subject] && e.Type != Exposure {
				t.Fatal("a subject's first record is not its exposure")
			}
			originals[e.ID], subjects[e.Subject] = true, true
			seen[e.Subject]++
			bytes += int64(len(w.Append(nil, e)))
		}
		near := func(what string, got, want, within float64) {
			if math.Abs(got-want) > within {
				t.Errorf("zipf %g: %s = %g, want %g ± %g", shape.Zipf, what, got, want, within)
			}
		}
		n := float64(shape.Events)
		near("duplicates", float64(duplicates)/n, 0.05, 0.002)
		near("out of order", float64(behind)/float64(len(originals)), 0.02, 0.002)
		near("late", float64(late)/float64(len(originals)), 0.001, 0.0005)
		near("late first exposures", float64(firstLate), 0, 0)
		near("bytes", float64(bytes)/n, 250, 1)
		near("event time in lateness", float64(time.Duration(last-Origin.UnixMilli())*time.Millisecond)/float64(shape.Lateness), 10, 0.01)
		hottest := 0
		for _, c := range seen {
			hottest = max(hottest, c)
		}
		if shape.Zipf == 0 {
			near("hot subject", float64(hottest)/n, 0.01, 0.001)
			near("subjects met", float64(len(seen)), 100_000*(1-math.Exp(-n*0.95*0.99/100_000)), 1500)
		} else {
			// P(1) = 1/Σ k^−1.1, and 1 % on top.
			h := 0.0
			for k := range 100_000 {
				h += math.Pow(float64(k+1), -1.1)
			}
			near("hot subject", float64(hottest)/n, 0.01+0.99/h, 0.005)
		}
	}
}

func TestPreloadExposesEverybodyOnce(t *testing.T) {
	shape := Standard(5_000, 2_000, 1.1)
	shape.Preload = true
	g := NewGenerator(shape)
	met := map[uint32]bool{}
	for range shape.Subjects {
		e := g.Next()
		if e.Type != Exposure || met[e.Subject] {
			t.Fatalf("%+v is not a first exposure", e)
		}
		met[e.Subject] = true
	}
	if g.Next(); len(met) != int(shape.Subjects) {
		t.Errorf("%d subjects exposed, want %d", len(met), shape.Subjects)
	}
}

func TestPartitionIsKafkas(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 10_000 {
		key := make([]byte, rng.IntN(20))
		for i := range key {
			key[i] = byte(rng.Uint32())
		}
		n := 1 + rng.Int32N(50)
		if got, want := Partition(key, n), stream.Partition(key, n); got != want {
			t.Fatalf("Partition(%x, %d) = %d, the engine says %d", key, n, got, want)
		}
	}
}

func TestRecordHasTheContractsFields(t *testing.T) {
	shape := Standard(1000, 100, 0)
	shape.Dimensions, shape.Bytes = 5, 400
	value := NewWriter(shape).Append(nil, Event{ID: 12, Subject: 34, Stamp: 5, Time: 1767225600123, Type: Purchase, Variant: 1, Cents: 999})
	var m map[string]any
	if err := json.Unmarshal(value, &m); err != nil {
		t.Fatal(err)
	}
	if len(value) != 400 {
		t.Errorf("%d bytes, want 400", len(value))
	}
	var leaves []string
	var walk func(at string, m map[string]any)
	walk = func(at string, m map[string]any) {
		for k, v := range m {
			if inner, ok := v.(map[string]any); ok {
				walk(at+k+".", inner)
			} else {
				leaves = append(leaves, at+k)
			}
		}
	}
	walk("", m)
	slices.Sort(leaves)
	want := []string{"cents", "device.agent", "device.country", "device.d4", "device.d5", "device.platform", "experiment.id", "experiment.variant", "id", "ts", "type", "user.id", "user.plan"}
	if !slices.Equal(leaves, want) {
		t.Errorf("the record has %v, want %v", leaves, want)
	}
}

func BenchmarkGenerate(b *testing.B) {
	for _, zipf := range []float64{0, 1.1} {
		b.Run(fmt.Sprintf("zipf=%g", zipf), func(b *testing.B) {
			shape := Standard(10_000_000, 10_000_000, zipf)
			g, w := NewGenerator(shape), NewWriter(shape)
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = w.Append(buf[:0], g.Next())
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}
