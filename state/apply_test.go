package state

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"slices"
	"sort"
	"testing"

	"github.com/tidemark/tidemark/catalog"
)

var (
	cases = flag.Int("cases", 3000, "random workloads of TestApplyEqualsOracle")
	seed  = flag.Uint64("seed", 0, "run only the workload of this seed")
)

// shardModel is the core without a store: subjects in a map, ids in another.
type shardModel struct {
	core     core
	subjects map[string]*Subject
	ids      map[string]uint64
	clock    int64
}

func newShardModel(plan *catalog.Plan, rank func(Input) int) *shardModel {
	s := newSchema(plan)
	return &shardModel{
		core:     core{schema: s, clock: never, ripe: ripeness{never, never}, maxTail: -1, ledger: newCounters(s), tuples: newTuples(), placeAt: map[uint64]int32{}, rank: rank},
		subjects: map[string]*Subject{}, ids: map[string]uint64{}, clock: never,
	}
}

type modelIDs struct {
	model   *shardModel
	subject string
}

func (m *modelIDs) find(event int, id *idKey) (uint64, bool) {
	content, ok := m.model.ids[fmt.Sprintf("%s/%d/%x", m.subject, event, *id)]
	return content, ok
}

func (m *modelIDs) put(_ uint32, n *seen) {
	m.model.ids[fmt.Sprintf("%s/%d/%x", m.subject, n.event, n.id)] = n.content
}

func (m *shardModel) apply(events []Event, clock int64, sink Sink) {
	m.core.clock, m.core.next = m.clock, max(m.clock, clock)
	groups := map[string][]*Event{}
	var names []string
	for i := range events {
		ev := &events[i]
		if reason := m.core.late(ev); reason != "" {
			m.core.ledger.events[ev.Def].late++
			continue
		}
		if groups[string(ev.Subject)] == nil {
			names = append(names, string(ev.Subject))
		}
		groups[string(ev.Subject)] = append(groups[string(ev.Subject)], ev)
	}
	sort.Strings(names)
	for _, name := range names {
		if m.subjects[name] == nil {
			m.subjects[name] = &Subject{id: name}
		}
		m.core.apply(m.subjects[name], groups[name], &modelIDs{m, name}, sink)
	}
	m.clock = m.core.next
	m.ripen(m.core.ripe.later(m.clock, never), sink)
}

// ripen lets in who is complete by now.
func (m *shardModel) ripen(now ripeness, sink Sink) {
	was := m.core.ripe
	m.core.ripe = now
	for _, name := range slices.Sorted(maps.Keys(m.subjects)) {
		m.core.ripen(m.subjects[name], was, sink)
	}
}

// reload puts every subject through its bytes.
func (m *shardModel) reload() error {
	for name, s := range m.subjects {
		b := m.core.encode(s, nil)
		back, err := m.core.decode(name, b)
		if err != nil {
			return err
		}
		if again := m.core.encode(back, nil); !bytes.Equal(b, again) {
			return fmt.Errorf("subject %s: %x decodes and encodes to %x", name, b, again)
		}
		m.subjects[name] = back
	}
	return nil
}

// hasLargeSets says that some set has outgrown its head row: the model has no child rows.
func (m *shardModel) hasLargeSets() bool {
	for _, s := range m.subjects {
		if slices.ContainsFunc(s.segments, func(g segment) bool { return g.set != nil && g.set.large() }) {
			return true
		}
	}
	return false
}

func (m *shardModel) ledger() *Ledger { return m.core.ledger.ledger(m.core.schema) }

func runWorkload(seed uint64) (err error) {
	w := drawWorkload(seed, seed%4 == 0)
	o := newOracle(w.plan, w.rank)
	m := newShardModel(w.plan, w.rank)
	if seed%3 > 0 {
		m.core.index = newIDIndex(int64(seed%3) * 20 * idSlotBytes)
	}
	cube := newTestCube()
	at := ""
	defer func() {
		if p := recover(); p != nil {
			panic(fmt.Sprintf("seed %d %s: %v", seed, at, p))
		}
	}()
	batches := 3 + w.r.IntN(12)
	for n := range batches {
		at = fmt.Sprintf("batch %d", n)
		var events []Event
		for range 1 + w.r.IntN(8) {
			ev := w.event()
			events = append(events, ev)
			o.take(ev)
		}
		m.apply(events, w.clock(), cube)
		o.clock = max(o.clock, w.clock())
		if n == batches-1 && w.chance(50) {
			o.end = o.latest()
			m.ripen(m.core.ripe.later(never, o.end), cube)
		}
		want := o.answer(never, forever)
		if d := difference(want.cells, cube.cells); d != "" {
			return fmt.Errorf("seed %d, batch %d: %s", seed, n, d)
		}
		if d := want.bins.difference(cube.bins); d != "" {
			return fmt.Errorf("seed %d, batch %d: %s", seed, n, d)
		}
		if d := ledgerDifference(want.ledger, m.ledger()); d != "" {
			return fmt.Errorf("seed %d, batch %d: %s", seed, n, d)
		}
		if w.chance(40) && !m.hasLargeSets() {
			if err := m.reload(); err != nil {
				return fmt.Errorf("seed %d, batch %d: %w", seed, n, err)
			}
		}
		if w.chance(20) {
			from := dayOf(w.now) - day*int64(w.r.IntN(2))
			to := from + day*int64(1+w.r.IntN(2))
			got := newTestCube()
			for _, s := range m.subjects {
				for i := range s.exposed {
					cells := m.core.contributions(s, &s.exposed[i], span{from, to}, nil, nil)
					emit(int(s.exposed[i].experiment), nil, cells, got)
				}
			}
			if d := difference(o.answer(from, to).cells, got.cells); d != "" {
				return fmt.Errorf("seed %d, batch %d, days from %d: %s", seed, n, from/day, d)
			}
		}
	}
	return nil
}

func TestApplyEqualsOracle(t *testing.T) {
	if *seed != 0 {
		if err := runWorkload(*seed); err != nil {
			t.Fatal(err)
		}
		return
	}
	for i := range *cases {
		if err := runWorkload(uint64(i) + 1); err != nil {
			t.Fatalf("%v (run again with -seed %d)", err, i+1)
		}
	}
}

// With a bound on the tail the numbers may be wrong, and say so; what Apply reports must still be what the subjects hold.
func TestBoundedTailStaysConsistent(t *testing.T) {
	for seed := uint64(1); seed <= uint64(*cases/4); seed++ {
		w := newWorkload(seed)
		m := newShardModel(w.plan, w.rank)
		m.core.maxTail = w.r.IntN(5)
		cube := newTestCube()
		for n := range 10 {
			var events []Event
			for range 1 + w.r.IntN(8) {
				events = append(events, w.event())
			}
			m.apply(events, w.clock(), cube)
			now, own := newTestCube(), newCounters(m.core.schema)
			for _, s := range m.subjects {
				for _, c := range s.accepted {
					own.events[c.event].accepted += c.n
				}
				for i := range s.exposed {
					x := &s.exposed[i]
					m.core.addTo(own, s, x)
					emit(int(x.experiment), nil, m.core.contributions(s, x, always, nil, nil), now)
				}
			}
			if d := difference(now.cells, cube.cells); d != "" {
				t.Fatalf("seed %d, batch %d: %s", seed, n, d)
			}
			if err := own.compare(m.core.ledger, m.core.schema); err != nil {
				t.Fatalf("seed %d, batch %d: %v", seed, n, err)
			}
			for _, e := range m.ledger().Experiments {
				for _, r := range e.Events {
					if r.Counted < 0 || r.Outside < 0 || r.Unexposed < 0 {
						t.Fatalf("seed %d, batch %d: ledger %+v", seed, n, r)
					}
				}
			}
		}
	}
}
