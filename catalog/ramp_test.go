package catalog

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func ramped(t *testing.T, ramp string) *Set {
	t.Helper()
	text := strings.Replace(designDefinitions, "control: control", ramp+"\n  control: control", 1)
	if text == designDefinitions {
		t.Fatal("the design has no control")
	}
	return mustLoad(t, text)
}

// TestRampIsWeightsByTime reads a ramp in any order of the variants and gives the weights of every instant.
func TestRampIsWeightsByTime(t *testing.T) {
	set := ramped(t, "ramp:\n    - {from: 2026-03-04, weights: {treatment: 10, control: 90}}\n    - {from: 2026-03-06T09:00:00+09:00, weights: {control: 0.5, treatment: 0.5}}")
	e := set.Experiments[0]
	for _, c := range []struct {
		at   string
		want []float64
	}{
		{"2026-03-01T00:00:00Z", []float64{1, 1}}, {"2026-03-03T23:59:59Z", []float64{1, 1}}, {"2026-03-04T00:00:00Z", []float64{90, 10}},
		{"2026-03-05T23:59:59Z", []float64{90, 10}}, {"2026-03-06T00:00:00Z", []float64{0.5, 0.5}}, {"2027-01-01T00:00:00Z", []float64{0.5, 0.5}},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.PlannedAt(at); !slices.Equal(got, c.want) {
			t.Errorf("at %s %v, want %v", c.at, got, c.want)
		}
	}
	plans, err := set.Plans()
	if err != nil {
		t.Fatal(err)
	}
	x := &plans[0].Experiments[0]
	second := int64(1_000_000)
	march4 := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC).UnixMicro()
	if want := []int64{march4, march4 + 2*86400*second}; !slices.Equal(x.Cuts, want) {
		t.Fatalf("cuts %v, want %v", x.Cuts, want)
	}
	for _, c := range []struct {
		t0   int64
		want int
	}{{x.Start, 0}, {march4 - 1, 0}, {march4, 1}, {march4 + 2*86400*second - 1, 1}, {march4 + 2*86400*second, 2}, {Never, 2}} {
		if got := x.Epoch(c.t0); got != c.want {
			t.Errorf("%d is of epoch %d, want %d", c.t0, got, c.want)
		}
	}
	if got := x.EpochMetric(1); got != len(x.Metrics) {
		t.Errorf("epoch 1 is metric %d of %d", got, len(x.Metrics))
	}
}

// TestRampIsNoNewState keeps the plan's hash through any change of a ramp, and says in the experiment's form what it is.
func TestRampIsNoNewState(t *testing.T) {
	const first = "ramp: [{from: 2026-03-04, weights: {control: 9, treatment: 1}}"
	a, b, none := ramped(t, first+"]"), ramped(t, first+", {from: 2026-03-06, weights: {control: 1, treatment: 1}}]"), ramped(t, "# none")
	same := ramped(t, "ramp: [{from: 2026-03-04T09:00:00+09:00, weights: {treatment: 10, control: 90}}]")
	hash := func(s *Set) Hash {
		plans, err := s.Plans()
		if err != nil {
			t.Fatal(err)
		}
		return plans[0].Hash
	}
	if hash(a) != hash(b) || hash(a) != hash(none) {
		t.Error("a step of a ramp asks for a new state")
	}
	of := func(s *Set) Hash { return s.Experiments[0].Hash() }
	if of(a) == of(b) || of(a) == of(none) || of(a) != of(same) {
		t.Error("the experiment's hash does not follow its ramp's meaning")
	}
	changes := Changed(a.Meanings(), b.Meanings())
	if len(changes) != 1 || len(changes[0].Fields) != 2 || changes[0].Fields[0] != (FieldChange{"ramp.2026-03-06T00:00:00Z.control", "", "1/2"}) {
		t.Errorf("%+v", changes)
	}
}
