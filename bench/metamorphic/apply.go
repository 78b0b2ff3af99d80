package metamorphic

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/bench/oracle"
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// shard is one state.Store with its cube, fed with events made from the oracle's records without any SQL.
type shard struct {
	plan   *catalog.Plan
	fs     *vfs.MemFS
	store  *state.Store
	cube   *cube.Cube
	inputs map[string]state.Input
	next   map[string]int64
	cache  *pebble.Cache
}

func openShard(plan *catalog.Plan, fs *vfs.MemFS, cache *pebble.Cache) (*shard, error) {
	s := &shard{plan: plan, fs: fs, cube: cube.New(plan), inputs: map[string]state.Input{}, next: map[string]int64{}, cache: cache}
	var err error
	if s.store, err = state.Open("shard", plan, state.Options{FS: fs, Cache: cache, MemTableBytes: 1 << 20}); err != nil {
		return nil, err
	}
	if err := s.cube.Load(s.store.Reader()); err != nil {
		return nil, err
	}
	for _, f := range s.store.Frozen() {
		s.cube.Freeze(f.Experiment, f.Metric)
	}
	for _, p := range s.store.Positions() {
		s.inputs[name(p.Name.Source, int(p.Name.Partition))] = p.Input
		s.next[name(p.Name.Source, int(p.Name.Partition))] = p.Next
	}
	return s, nil
}

func name(source string, partition int) string { return fmt.Sprintf("%s/%d", source, partition) }

// batch applies records, skipping those that the shard has already; clock is C.
func (s *shard) batch(records []placed, clock int64) error {
	b := &state.Batch{Clock: clock, Filtered: make([]int64, len(s.plan.Events)), Elsewhere: make([]int64, len(s.plan.Events))}
	advance := map[string]int64{}
	for _, r := range records {
		at := name(r.Source, r.Partition)
		if r.Offset < max(s.next[at], advance[at]) {
			continue
		}
		in, ok := s.inputs[at]
		if !ok {
			var err error
			in, err = s.store.Input(state.InputName{Source: r.Source, Topic: r.Source, TopicID: [16]byte{1}, Partition: int32(r.Partition), Partitions: 3})
			if err != nil {
				return err
			}
			s.inputs[at] = in
		}
		def := slices.IndexFunc(s.plan.Events, func(e catalog.PlanEvent) bool { return e.ID == r.Def })
		advance[at] = r.Offset + 1
		b.Advance = append(b.Advance, state.Advance{Input: in, Next: r.Offset + 1, Bound: r.bound})
		b.Records = append(b.Records, state.Record{Input: in, Offset: r.Offset, Timestamp: r.Timestamp, Bound: r.bound, Key: []byte(r.Subject), Value: JSON(r.Record)})
		for other := range s.plan.Events {
			if other != def && s.plan.Events[other].Event.Source.ID == r.Source {
				b.Filtered[other]++
			}
		}
		if def < 0 {
			continue // no experiment reads it
		}
		e, err := s.event(def, r)
		if err != nil {
			return err
		}
		e.Input, e.Record = in, len(b.Records)-1
		b.Events = append(b.Events, e)
	}
	if err := s.store.Apply(b, s.cube); err != nil {
		return err
	}
	for at, next := range advance {
		s.next[at] = next
	}
	return nil
}

// freeze applies facts, as the engine does at some moment between two batches.
func (s *shard) freeze(facts []state.Frozen) error {
	for _, f := range facts {
		s.cube.Freeze(f.Experiment, f.Metric)
	}
	return s.store.Freeze(context.Background(), facts, s.cube)
}

func (s *shard) commit() error {
	return s.store.Commit(func(set func(key, old, new []byte) error) error { return s.cube.Persist(set) })
}

// event makes the state's event from the oracle's record.
func (s *shard) event(def int, r placed) (state.Event, error) {
	pe := &s.plan.Events[def]
	e := state.Event{Def: def, Subject: []byte(r.Subject), Time: r.Time, Offset: r.Offset, Bound: r.bound}
	if pe.Profile {
		e.Bound = math.MinInt64
	}
	if r.HasID {
		e.ID = []byte(r.ID)
	}
	e.Content = digest(fmt.Sprint(r.Time, r.Variant, r.Fields))
	for _, m := range pe.Measures {
		measure := &s.plan.Measures[m]
		counts, value := true, int64(0)
		if measure.Where != nil {
			where, ok := wheres[measure.Where.Text]
			if !ok {
				return e, fmt.Errorf("no such predicate: %s", measure.Where.Text)
			}
			counts = where(r.Record)
		}
		if measure.Column >= 0 && !measure.Presence {
			text, ok := r.Fields[pe.Query.Columns[measure.Column].Name]
			counts = counts && ok
			if ok {
				switch measure.Agg {
				case catalog.CountDistinct:
					value = int64(digest(text))
				case catalog.Sum, catalog.Max, catalog.Min, catalog.Quantile:
					value = oracle.Scaled(text, measure.Scale).Int64()
				}
			}
		}
		e.Values = append(e.Values, state.Operand{Counts: counts, Value: value})
	}
	id := func(column int) uint32 {
		v, ok := r.Fields[pe.Query.Columns[column].Name]
		if !ok {
			return moment.None
		}
		return s.store.ID([]byte(v))
	}
	for _, x := range pe.Exposures {
		pxp := &s.plan.Experiments[x]
		exposure := state.Exposure{Variant: -1, Counts: r.Fields["experiment"] == pxp.ID}
		for i, v := range pxp.Variants {
			if v.ID == r.Variant {
				exposure.Variant = i
			}
		}
		for _, d := range pxp.Dimensions {
			if d.Kind == catalog.ExposureDimension {
				exposure.Dimensions = append(exposure.Dimensions, id(d.Column))
			}
		}
		e.Exposures = append(e.Exposures, exposure)
	}
	for _, column := range append(slices.Clone(pe.Dimensions), pe.ProfileColumns...) {
		e.Dimensions = append(e.Dimensions, id(column))
	}
	return e, nil
}

func digest(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	var b [8]byte
	return binary.BigEndian.Uint64(h.Sum(b[:0]))
}

// placed is a record with b.
type placed struct {
	oracle.Record
	bound int64
}

// place computes b and puts the log into an order in which a shard may read it: any interleaving of the partitions.
func place(log []oracle.Record, rng *rand.Rand) []placed {
	queues := map[string][]placed{}
	var names []string
	for _, r := range log {
		at := name(r.Source, r.Partition)
		q := queues[at]
		b := r.Timestamp
		if len(q) > 0 {
			b = max(b, q[len(q)-1].bound)
		} else {
			names = append(names, at)
		}
		queues[at] = append(q, placed{r, b})
	}
	slices.Sort(names)
	var out []placed
	for len(names) > 0 {
		// Broker clocks agree, so what was appended much later is not read much earlier; a bounded wander is fair.
		slices.SortFunc(names, func(a, b string) int { return int(queues[a][0].Timestamp - queues[b][0].Timestamp) })
		i := 0
		if len(names) > 1 && rng.IntN(3) == 0 {
			i = rng.IntN(len(names))
		}
		q := queues[names[i]]
		out = append(out, q[0])
		if queues[names[i]] = q[1:]; len(q) == 1 {
			names = slices.Delete(names, i, i+1)
		}
	}
	return out
}

// metricCell is one metric of a cell: its sums, for a quantile metric its events, and for one across subjects the ranks of its values.
type metricCell struct {
	*moment.Sums
	events *sketch.Quantiles
	ranks  *sketch.Distinct
}

// cells renders a cube's every grouping in the oracle's terms.
func cells(plan *catalog.Plan, merged map[int]*cube.Cells) map[oracle.Key]*metricCell {
	out := map[oracle.Key]*metricCell{}
	for x, c := range merged {
		pxp := &plan.Experiments[x]
		for _, mask := range c.Groupings() {
			for _, row := range c.Rollup(mask).Rows {
				var parts []string
				for i, d := range pxp.Dimensions {
					if mask>>i&1 == 1 {
						parts = append(parts, d.Name+"="+row.Values[len(parts)])
					}
				}
				for v, cell := range row.Arms {
					if cell == nil {
						continue
					}
					for m := range pxp.Metrics {
						if sums := cell.Metric(m); sums.N > 0 {
							of := &metricCell{Sums: sums, events: &sketch.Quantiles{}, ranks: &sketch.Distinct{}}
							if pxp.Metrics[m].Across {
								of.ranks = cell.Distinct(m)
							} else {
								of.events = cell.Quantiles(m)
							}
							out[oracle.Key{Experiment: pxp.ID, Variant: pxp.Variants[v].ID, Slice: strings.Join(parts, "&"), Metric: pxp.Metrics[m].Metric.ID}] = of
						}
					}
				}
			}
		}
	}
	return out
}
