package state

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// recorder keeps changes in order.
type recorder struct{ changes []moment.Change }

func (r *recorder) Change(c moment.Change) { r.changes = append(r.changes, c) }

// The direct way gives the same changes in the same order, the same ledger as the plain one, and its subjects hold the same.
func TestDirectEqualsPlain(t *testing.T) {
	direct, groups := 0, 0
	for seed := uint64(1); seed <= uint64(*cases); seed++ {
		w := drawWorkload(seed, seed%4 != 0)
		fast, slow := newShardModel(w.plan, w.rank), newShardModel(w.plan, w.rank)
		slow.core.plainOnly = true
		fast.core.remembers = seed%2 == 0
		for n := range 6 + w.r.IntN(20) {
			var events []Event
			for range 1 + w.r.IntN(8) {
				events = append(events, w.event())
			}
			clock := w.clock()
			got, want := &recorder{}, &recorder{}
			d, g := fast.countDirect(events, clock)
			direct, groups = direct+d, groups+g
			fast.apply(events, clock, got)
			slow.apply(events, clock, want)
			if a, b := fmt.Sprintf("%+v", got.changes), fmt.Sprintf("%+v", want.changes); a != b {
				t.Fatalf("seed %d, batch %d: changes\n%s\nplain\n%s", seed, n, a, b)
			}
			if d := ledgerDifference(slow.ledger(), fast.ledger()); d != "" {
				t.Fatalf("seed %d, batch %d: %s", seed, n, d)
			}
			now, own := newTestCube(), newCounters(fast.core.schema)
			for _, s := range fast.subjects {
				for _, c := range s.accepted {
					own.events[c.event].accepted += c.n
				}
				for i := range s.exposed {
					fast.core.addTo(own, s, &s.exposed[i])
					emit(int(s.exposed[i].experiment), nil, fast.core.contributions(s, &s.exposed[i], always, nil, nil), now)
				}
			}
			plain := newTestCube()
			for _, s := range slow.subjects {
				for i := range s.exposed {
					emit(int(s.exposed[i].experiment), nil, slow.core.contributions(s, &s.exposed[i], always, nil, nil), plain)
				}
			}
			if d := difference(plain.cells, now.cells); d != "" {
				t.Fatalf("seed %d, batch %d: what the subjects hold: %s", seed, n, d)
			}
			if err := own.compare(fast.core.ledger, fast.core.schema); err != nil {
				t.Fatalf("seed %d, batch %d: %v", seed, n, err)
			}
		}
	}
	t.Logf("%d of %d groups went the direct way", direct, groups)
	if direct < *cases {
		t.Errorf("only %d of %d groups went the direct way: this compares nothing", direct, groups)
	}
}

// countDirect says how many groups of a batch would go the direct way.
func (m *shardModel) countDirect(events []Event, clock int64) (direct, groups int) {
	m.core.clock, m.core.next = m.clock, max(m.clock, clock)
	by := map[string][]*Event{}
	for i := range events {
		if ev := &events[i]; m.core.late(ev) == "" {
			by[string(ev.Subject)] = append(by[string(ev.Subject)], ev)
		}
	}
	for name, group := range by {
		groups++
		if s := m.subjects[name]; s != nil && m.core.goesDirect(s, group) {
			direct++
		}
	}
	return direct, groups
}

// A subject's tail grows long and short again, in bursts and pauses: what is remembered of it while it is long must not
// outlive that.
func TestDirectEqualsPlainThroughBursts(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 3))
		plan := onePlan()
		plan.Measures[1].Agg = []catalog.Agg{catalog.Count, catalog.Max, catalog.Sum}[seed%3]
		plan.Experiments[0].Metrics[1].Denominator = []int{-1, 0}[seed%2]
		rank := func(i Input) int { return int(i) }
		fast, slow := newShardModel(plan, rank), newShardModel(plan, rank)
		slow.core.plainOnly = true
		got, want := newTestCube(), newTestCube()
		now, n := int64(workloadStart), int64(0)
		send := func(evs ...Event) {
			for i := range evs {
				evs[i].Subject, evs[i].Time, evs[i].Bound, evs[i].Offset = []byte("s"), now-r.Int64N(minute), now, n
				n++
			}
			fast.apply(evs, now, got)
			slow.apply(evs, now, want)
			if d := difference(want.cells, got.cells); d != "" {
				t.Fatalf("seed %d, record %d, %d open: %s", seed, n, len(fast.subjects["s"].tail), d)
			}
		}
		send(Event{Def: 0, Exposures: []Exposure{{Counts: true}}})
		for range 12 {
			for range r.IntN(200) {
				now += r.Int64N(2_000_000)
				var evs []Event
				for range 1 + r.IntN(3) {
					v := Operand{Counts: true, Value: int64(r.IntN(100)) - 20}
					evs = append(evs, Event{Def: 1, Values: []Operand{v, v}})
				}
				send(evs...)
			}
			now += r.Int64N(40 * minute)
			if r.IntN(4) == 0 {
				send(Event{Def: 0, Exposures: []Exposure{{Counts: true}}})
			}
		}
	}
}
