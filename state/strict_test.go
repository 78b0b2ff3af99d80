package state

import (
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// finality fails when a subject's contribution to a strict metric changes after it was made. It is for one subject.
type finality struct {
	t       *testing.T
	plan    *catalog.Plan
	seed    uint64
	entered int
}

func (f *finality) Change(c moment.Change) {
	if c.Metric < 0 {
		return
	}
	x := &f.plan.Experiments[c.Experiment]
	if !x.Metrics[c.Metric].Strict {
		return
	}
	if c.Old == (moment.Point{}) {
		f.entered++
		return
	}
	if c.New == (moment.Point{}) && x.Crossover == catalog.Exclude {
		return // a second variant takes the subject out of the experiment
	}
	for _, d := range x.Dimensions {
		if d.Kind == catalog.ProfileDimension {
			return // a row about the time before t0 came after: the subject moves to another slice
		}
	}
	f.t.Fatalf("seed %d: a complete subject changed in cell %v of %s: %+v to %+v", f.seed, c.Slice, x.ID, c.Old, c.New)
}

// However late and disordered its events come, a subject that has entered a strict metric stays as it entered.
func TestStrictEntriesAreFinal(t *testing.T) {
	entered := 0
	for seed := uint64(1); seed <= uint64(*cases); seed++ {
		w := newWorkload(seed)
		if w.bounded || !newSchema(w.plan).strict {
			continue // files have no clock
		}
		w.subjects = 1
		m := newShardModel(w.plan, w.rank)
		f := &finality{t: t, plan: w.plan, seed: seed}
		for range 50 {
			var events []Event
			for range 1 + w.r.IntN(4) {
				events = append(events, w.event())
			}
			m.apply(events, w.clock(), f)
		}
		entered += f.entered
	}
	if entered < *cases/10 {
		t.Errorf("%d entries in %d workloads: too few to show anything", entered, *cases)
	}
	t.Logf("%d entries", entered)
}
