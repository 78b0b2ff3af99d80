package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidemark/tidemark/catalog"
)

// drawTie draws from so few values that all of its cases meet.
func drawTie(r *rand.Rand) tie {
	t := tie{input: Input(r.IntN(3)), offset: r.Int64N(3)}
	if t.hasID = r.IntN(2) == 0; t.hasID {
		t.id = string(rune('a' + r.IntN(3)))
	}
	return t
}

// TestTiesHaveOneOrder: of two events of one time that differ exactly one is first, and what is before what is before a third
// is before the third.
func TestTiesHaveOneOrder(t *testing.T) {
	const seed = 20261122
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	rank := func(i Input) int { return 2 - int(i) }
	for range 50_000 {
		a, b, c := drawTie(r), drawTie(r), drawTie(r)
		if ab, ba := a.less(&b, rank), b.less(&a, rank); ab && ba || !ab && !ba && a != b {
			t.Fatalf("%+v before %+v is %v, the other way round %v", a, b, ab, ba)
		}
		if a.less(&b, rank) && b.less(&c, rank) && !a.less(&c, rank) {
			t.Fatalf("%+v is before %+v, that before %+v, but the first not before the last", a, b, c)
		}
	}
}

// TestTiesDoNotDependOnOrder exposes a subject three times at one instant, and gives it three rows of a profile at one: with ids
// and without, so that by coordinates alone where one lacks an id they would form a circle. Whatever the order in which they
// come, one by one or at once, the same exposure and the same row stand.
func TestTiesDoNotDependOnOrder(t *testing.T) {
	plan := &catalog.Plan{
		Sources: []*catalog.Source{{ID: "expose"}, {ID: "people", Profile: true}},
		Events: []catalog.PlanEvent{
			{Event: &catalog.Event{ID: "EXPOSE"}, Source: 0, Lateness: hour, Exposures: []int{0}},
			{Event: &catalog.Event{ID: "PERSON"}, Source: 1, Profile: true, ProfileColumns: []int{5}},
		},
		Experiments: []catalog.PlanExperiment{{
			Experiment: &catalog.Experiment{ID: "e", Crossover: catalog.First, Variants: []catalog.Variant{{ID: "a"}, {ID: "b"}, {ID: "c"}}},
			Start:      never / 2, Stop: forever, Lateness: hour, Exposure: 0,
			Dimensions: []catalog.PlanDimension{{Kind: catalog.ProfileDimension, Event: 1, Column: 5}},
		}},
	}
	const at = 100 * hour
	ids := [][]byte{[]byte("2"), nil, []byte("1")} // by coordinates 0, 1, 2; by id 2 before 0
	var log []Event
	for i := range 3 {
		log = append(log,
			Event{Def: 0, Subject: []byte("s"), Time: at, ID: ids[i], Input: Input(i), Bound: at, Exposures: []Exposure{{Counts: true, Variant: i}}},
			Event{Def: 1, Subject: []byte("s"), Time: at, ID: ids[i], Input: Input(3 + i), Bound: never, Dimensions: []uint32{uint32(10 + i)}})
	}
	for n := range 720 {
		events := slices.Clone(log)
		for i, k := 0, n; i < len(events); i++ { // the n-th permutation
			j := i + k%(len(events)-i)
			k /= len(events) - i
			events[i], events[j] = events[j], events[i]
		}
		for _, size := range []int{1, 2, 6} {
			m := newShardModel(plan, func(i Input) int { return int(i) })
			for batch := range slices.Chunk(events, size) {
				m.apply(batch, at-hour, newTestCube())
			}
			s := m.subjects["s"]
			got := fmt.Sprintf("variant %d, profile %v", s.exposed[0].variant, s.profileAt(1, at).dims)
			// The exposure that stands is the first, id 1; the row the last, without an id.
			if want := "variant 2, profile [11]"; got != want {
				t.Fatalf("order %d, %d at once: %s, want %s", n, size, got, want)
			}
		}
	}
}
