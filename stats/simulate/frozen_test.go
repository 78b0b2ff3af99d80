package simulate

import (
	"math/rand/v2"
	"testing"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// play gives a population all of a scenario's looks, and returns the events and the look at which something was frozen.
func play(s *Scenario, p *Population, frozen func() bool) (events []Event, at int) {
	step := s.Start(rand.New(rand.NewPCG(seed, 5)))
	at = -1
	for i := range s.Looks {
		p.begin(i)
		step(func(e *Event) {
			events = append(events, *e)
			p.Add(e)
		})
		p.settle()
		if at < 0 && frozen() {
			at = i
		}
	}
	return events, at
}

// TestFrozenSumsAreThoseOfAllEvents: what is frozen applies to what was before it too, and it is frozen as soon as it may be.
func TestFrozenSumsAreThoseOfAllEvents(t *testing.T) {
	s := Latencies("latencies", .9, .05, 20, 500, 10)
	p := newPopulation(&s)
	events, at := play(&s, p, func() bool { return p.values.frozen })
	var want [2]moment.Sums
	subjects := map[int]*moment.Point{}
	arms := map[int]int{}
	control, look := 0, -1
	for i := range events {
		e := &events[i]
		if look < 0 && e.Subject%20 == 0 && (i == 0 || events[i-1].Subject != e.Subject) && control >= 200 {
			look = e.Subject/20 - 1 // 200 of the control's events were there at the look before
		}
		if e.Arm == Control {
			control++
		}
		u := subjects[e.Subject]
		if u == nil {
			u = &moment.Point{In: true}
			subjects[e.Subject], arms[e.Subject] = u, e.Arm
		}
		u.Den++
		if sketch.IndexOf(e.Num) <= p.values.cut {
			u.Num++
		}
	}
	for id, u := range subjects {
		want[arms[id]].Add(*u)
	}
	if want != p.Cells[0] || at != look {
		t.Errorf("sums %+v\nwant %+v; frozen at look %d, want %d", p.Cells[0], want, at, look)
	}
	if n := p.values.each[Control].N; n != int64(control) {
		t.Errorf("%d events by themselves, want %d", n, control)
	}

	s = Winsorized("clipped", Buyers(.05, 3, 1), .99, 3000, 10)
	p = newPopulation(&s)
	events, at = play(&s, p, func() bool { return p.clip.frozen })
	want = [2]moment.Sums{}
	beyond := 0
	for i := range events {
		num := events[i].Num
		if num > p.clip.limit {
			num = p.clip.limit
			beyond++
		}
		want[events[i].Arm].Add(moment.Point{In: true, Num: num, Den: 1})
	}
	if want != p.Cells[0] || at != 99 || beyond < 20 {
		t.Errorf("%d beyond %d; frozen at look %d, want 99, with 20 of 2,000 values beyond it", beyond, p.clip.limit, at)
	}
}

// TestNothingIsSaidBeforeItIsFrozen, nor tuned.
func TestNothingIsSaidBeforeItIsFrozen(t *testing.T) {
	s := Winsorized("clipped", Normal(1, 1), .99, 3000, 10)
	p := newPopulation(&s)
	l := newLook(&s, p)
	d := Adopted(.05).Start(&s).(*adopted)
	step := s.Start(rand.New(rand.NewPCG(seed, 6)))
	for i := range s.Looks {
		p.begin(i)
		step(p.Add)
		p.settle()
		l.at(i, s.Looks-1)
		if interval := d.interval(l); interval.OK != p.clip.frozen || d.tuning.Set() != p.clip.frozen {
			t.Fatalf("look %d: frozen %t, interval %v, tuning %+v", i, p.clip.frozen, interval, d.tuning)
		}
	}
}

// TestEveryStretchHasItsOwnWeights: the subjects of a look are held against the weights planned for it.
func TestEveryStretchHasItsOwnWeights(t *testing.T) {
	s := Ramped("ramp", []Stage{{200, .1}, {100, 1}, {100, .5}}, []float64{.1, .9, .5}, 20)
	p := newPopulation(&s)
	play(&s, p, func() bool { return false })
	for i, want := range []int64{200, 100, 100} {
		if got := p.Epochs[i][0] + p.Epochs[i][1]; got != want {
			t.Errorf("stretch %d has %d subjects, want %d", i, got, want)
		}
	}
	if p.Epochs[1][Control] != 0 || s.Looks != 20 {
		t.Errorf("%v in %d looks", p.Epochs, s.Looks)
	}
	var epochs []stats.Epoch
	for i := range s.Ramp {
		epochs = append(epochs, stats.Epoch{Counts: p.Epochs[i][:], Weights: s.Ramp[i].Weights[:]})
	}
	r, err := stats.SampleRatioEpochs(epochs, stats.SRMOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l := newLook(&s, p)
	l.at(19, 19)
	for _, c := range []struct {
		alpha float64
		want  bool
	}{{r.PSequential.V, true}, {r.PSequential.V * .999, false}} {
		if got, _ := SplitByEpoch("split", c.alpha).Start(&s).Decide(l); got != c.want {
			t.Errorf("p is %v; at α = %v it rejects: %t", r.PSequential.V, c.alpha, got)
		}
	}
}

// TestNoVarianceIsNoTestOnBothSides: an arm without a variance, as a hundred subjects without a buyer have it, decides nothing, whether
// the numbers are the package's or published.
func TestNoVarianceIsNoTestOnBothSides(t *testing.T) {
	s := Pairs("one arm without a variance", nil, 0, 200, 200)
	p := newPopulation(&s)
	for i := range 400 {
		p.Add(&Event{Subject: i, Arm: i & 1, Num: int64(i&1) * int64(1+i%3)})
	}
	ours := newLook(&s, p)
	ours.at(0, 0)
	n, ok := ours.Numbers(0)
	difference := stats.CompareEstimates(n.T, n.C, stats.Design{}).Difference
	theirs := &Look{Counts: p.Counts, Published: &Published{Numbers: []Numbers{{T: n.T, C: n.C, Test: difference}}, Counts: p.Counts}}
	_, there := theirs.Numbers(0)
	if ok || there || !difference.Z.OK {
		t.Errorf("the package has a test: %t, what is published: %t, of %+v", ok, there, difference)
	}
}
