package state

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// daysByHand is ByDay from the oracle's events: what each subject's total is in each range that is over.
func daysByHand(s *storeRun, o *oracle, d *ByDay, clock, end int64) (want *ByDay, points int, err error) {
	want = NewByDay(s.w.plan, d.Experiment, d.Ranges, d.Pairs)
	p := &s.w.plan.Experiments[d.Experiment]
	err = s.store.subjects(context.Background(), func(_ uint64, subject *Subject, _ []byte) error {
		x := subject.inExperiment(d.Experiment)
		if x == nil || x.crossed && p.Crossover == catalog.Exclude {
			return nil
		}
		for m := range p.Metrics {
			q := &p.Metrics[m]
			if want.Sums[m] == nil {
				continue
			}
			in := func(r DayRange) (got moment.Point) {
				from := x.t0 - ((x.t0%day)+day)%day + int64(r.From)*day
				to := from + int64(r.To-r.From)*day
				wait := int64(0)
				for _, measure := range []int{q.Numerator, q.Denominator} {
					if measure >= 0 && s.w.plan.Events[s.w.plan.Measures[measure].Event].Lateness < forever {
						wait = max(wait, s.w.plan.Events[s.w.plan.Measures[measure].Event].Lateness)
					}
				}
				conversion := q.Ordered && q.Numerator >= 0 && q.Denominator >= 0
				over := to <= p.Stop && (conversion || q.Window == 0 || to <= x.t0+q.Window) && (clock < forever && to+wait <= clock || clock == forever && to <= end)
				if over {
					o.point(d.Experiment, m, o.events[subject.id], x.t0, from, to, nil, func(p moment.Point) { got = p })
					got.Pre, got.PreDen = 0, 0
				}
				return got
			}
			for k, r := range d.Ranges {
				if point := in(r); point.In {
					want.Sums[m][k][x.variant].Add(point)
					points++
				}
			}
			for k, pair := range d.Pairs {
				late, early := in(pair[0]), in(pair[1])
				if late.In && early.In {
					late.Pre, late.PreDen = early.Num, early.Den
					want.Paired[m][k][x.variant].Add(late)
				}
			}
		}
		return nil
	})
	return want, points, err
}

func equalDays(a, b *ByDay) error {
	compare := func(what string, x, y [][][]moment.Sums) error {
		for m := range x {
			for k := range x[m] {
				for v := range x[m][k] {
					if !x[m][k][v].Equal(&y[m][k][v]) {
						return fmt.Errorf("%s: metric %d, range %d, variant %d: %+v, want %+v", what, m, k, v, y[m][k][v], x[m][k][v])
					}
				}
			}
		}
		return nil
	}
	if err := compare("sums", a.Sums, b.Sums); err != nil {
		return err
	}
	return compare("pairs", a.Paired, b.Paired)
}

// A picture's days are the subjects' own totals of those days, in ranges that are over; what is applied after the commit is
// not in it, and reading it in pieces changes nothing.
func TestDaysEqualOracle(t *testing.T) {
	points := 0
	for seed := uint64(1); seed <= 120; seed++ {
		s := newStoreRun(seed, false)
		s.opt.FS, s.fs = vfs.NewMem(), nil
		s.w.step = 3 * hour
		s.w.subjects = 6
		if err := s.open(); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			s.extend(1 + s.w.r.IntN(8))
			if err := s.step(); err != nil {
				t.Fatal(err)
			}
		}
		end := int64(never)
		if s.w.bounded {
			end = s.store.Newest()
			if err := s.store.Apply(&Batch{Clock: forever}, s.cube); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.store.Commit(s.cube.persist); err != nil {
			t.Fatal(err)
		}
		clock := s.store.Clock()
		o := newOracle(s.w.plan, s.w.rank)
		for _, b := range s.log[:s.next] {
			for _, ev := range b.Events {
				o.take(ev)
			}
		}
		var got, want []*ByDay
		for x := range s.w.plan.Experiments {
			d := NewByDay(s.w.plan, x, []DayRange{{0, 1}, {1, 2}, {1, 4}}, [][2]DayRange{{{2, 3}, {0, 2}}})
			w, n, err := daysByHand(s, o, d, clock, end)
			if err != nil {
				t.Fatal(err)
			}
			points += n
			got, want = append(got, d), append(want, w)
		}
		picture, err := s.store.Picture()
		if err != nil {
			t.Fatal(err)
		}
		picture.End = end
		// The store goes on meanwhile.
		s.extend(40)
		if err := s.step(); err != nil {
			t.Fatal(err)
		}
		if err := s.store.Commit(s.cube.persist); err != nil {
			t.Fatal(err)
		}
		read := 0
		for from, more := []byte(nil), true; more; more = from != nil {
			var n int
			if from, n, err = picture.ByDay(from, 1+s.w.r.IntN(3), got); err != nil {
				t.Fatal(err)
			}
			read += n
		}
		for x := range got {
			if err := equalDays(want[x], got[x]); err != nil {
				t.Fatalf("seed %d, experiment %d of %d subjects: %v", seed, x, read, err)
			}
		}
		if err := picture.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if points < 1000 {
		t.Errorf("only %d totals of days: too few to show anything", points)
	}
	t.Logf("%d totals of days", points)
}
