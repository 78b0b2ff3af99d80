package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// The shop's traffic has the effects that it prints, and none of search_rerank before that starts.
func TestTrafficHasTheTruth(t *testing.T) {
	if !strings.Contains(Truth, "12 % likelier") || !strings.Contains(Truth, "2 % longer") {
		t.Fatalf("the truth is another one: %s", Truth)
	}
	began := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	at := moments{rerank: began.Add(24 * time.Hour), breaks: began.Add(1000 * time.Hour)}
	s := shop{Seed: 7}
	for _, c := range []struct {
		name         string
		from         time.Time
		clicks, took float64
		exposed      int
	}{
		{"before", began, 1, 1, 0},
		{"after", at.rerank.Add(time.Hour), 1.12, 1.02, 20_000},
	} {
		for i := range 20_000 {
			s.visit(c.from.Add(time.Duration(i)*time.Second/10), at)
		}
		shown, clicked, took := map[bool]float64{}, map[bool]float64{}, map[bool]float64{}
		exposed := map[string]bool{}
		for _, r := range s.due(c.from.Add(20 * time.Hour)) {
			var user uint64
			if _, err := fmt.Sscanf(r.user, "u%07d", &user); err != nil {
				t.Fatal(err)
			}
			_, treated := arm(user, 1, "rerank")
			var e struct {
				ID, Kind, Experiment string
				Took                 float64 `json:"took_ms"`
			}
			if err := json.NewDecoder(bytes.NewReader(r.value)).Decode(&e); err != nil {
				t.Fatalf("%s: %v", r.value, err)
			}
			switch {
			case e.Experiment == "search_rerank":
				exposed[e.ID] = true
			case e.Kind == "click":
				clicked[treated]++
			case e.Kind == "impression":
				shown[treated]++
				took[treated] += e.Took
			}
		}
		if len(exposed) != c.exposed {
			t.Errorf("%s the start %d visits are exposed to search_rerank, want %d", c.name, len(exposed), c.exposed)
		}
		clicks := clicked[true] / shown[true] / (clicked[false] / shown[false])
		longer := took[true] / shown[true] / (took[false] / shown[false])
		if math.Abs(clicks-c.clicks) > 0.05 || math.Abs(longer-c.took) > 0.008 {
			t.Errorf("%s the start clicks are %.3f and times %.3f of the control's, want %g and %g", c.name, clicks, longer, c.clicks, c.took)
		}
		t.Logf("%s: clicks %.3f, times %.3f", c.name, clicks, longer)
	}
}
