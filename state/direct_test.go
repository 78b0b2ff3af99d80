package state

import (
	"fmt"
	"testing"

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
