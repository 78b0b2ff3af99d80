package stream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/stream/results"
)

// lookDays is when the experiment of these tests is planned to end, in days after shopStart.
const lookDays = 4

// looking is the shop with a final look planned, and its log: each day 400 subjects, and from the treatment more orders after the planned end
// than before it.
func looking(t testing.TB, seed uint64, days int) (set *catalog.Set, exposures, orders []string) {
	t.Helper()
	text := fmt.Sprintf(shopYAML, noFiles[0], noFiles[1])
	end := time.Unix(shopStart+lookDays*86400, 0).UTC()
	changed := strings.Replace(text, "  goals: [ARPU]", "  end: "+end.Format(time.RFC3339)+"\n  sequential: {final_look: true}\n  goals: [ARPU]", 1)
	if changed == text {
		t.Fatal("the shop has no goals")
	}
	rng := rand.New(rand.NewPCG(seed, 7))
	for day := range days {
		for i := range 400 {
			ts, arm := shopStart+int64(day)*86400+int64(i)*216, i%2
			exposures = append(exposures, fmt.Sprintf(`{"user_id":"u%d-%d","variant":"%s","platform":"web","ts":%d}`, day, i, []string{"control", "treatment"}[arm], ts))
			if rng.Float64() < 0.5+0.3*float64(arm)*float64(day/lookDays) {
				orders = append(orders, fmt.Sprintf(`{"user_id":"u%d-%d","order_id":"o%d-%d","total":%d,"ts":%d}`, day, i, day, i, 1+rng.IntN(9), ts+60))
			}
		}
	}
	return catalogtest.Parse(t, changed), exposures, orders
}

func analyzeAsOf(t testing.TB, set *catalog.Set, exposures, orders []string, asOf time.Time) (*results.Result, error) {
	t.Helper()
	dir := t.TempDir()
	x, o := filepath.Join(dir, "x.ndjson"), filepath.Join(dir, "o.ndjson")
	writeLines(t, x, exposures)
	writeLines(t, o, orders)
	list, err := Analyze(context.Background(), set, AnalyzeOptions{AsOf: asOf, Slices: results.Slices{Mode: results.NoSlices}, Options: Options{
		Shards: 3, Logger: quietLog(), Files: map[string][]string{"exposures": {x}, "orders": {o}},
		Now: func() time.Time { return time.Unix(shopStart+1000*86400, 0) }, // long after the planned end, which says nothing of the data
	}})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// upTo are the lines of a log before a time.
func upTo(lines []string, end int64) (before []string) {
	for _, line := range lines {
		var ts int64
		fmt.Sscanf(line[strings.LastIndex(line, ":")+1:], "%d", &ts)
		if ts < end {
			before = append(before, line)
		}
	}
	return before
}

// A log that grows and is analyzed each day is looked at once with the half of the level that is kept for the planned end: not before it, and
// after it always with the events before it, whatever has come since.
func TestAnalyzeLooksOnceAtThePlannedEnd(t *testing.T) {
	const days = lookDays + 3
	set, exposures, orders := looking(t, 11, days)
	end := int64(shopStart + lookDays*86400)
	// What there is to find at the end: the data cut there, and said to be complete up to there.
	want, err := analyzeAsOf(t, set, upTo(exposures, end), upTo(orders, end), time.Unix(end, 0))
	if err != nil {
		t.Fatal(err)
	}
	if want.FinalLook == nil || want.FinalLook.State != "done" || !want.AsOf.Equal(time.Unix(end, 0)) {
		t.Fatalf("as of the end: %+v, as of %v", want.FinalLook, want.AsOf)
	}
	for day := 1; day <= days; day++ {
		until := int64(shopStart + day*86400)
		r, err := analyzeAsOf(t, set, upTo(exposures, until), upTo(orders, until), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Rows {
			row := &r.Rows[i]
			if day <= lookDays { // on the last day too: its latest event is before the end
				if row.Tuning == nil || row.Tuning.Final != nil || r.FinalLook.State != "to_come" || row.AlphaAlways != 0.025 {
					t.Errorf("day %d, %s: %+v, %+v", day, row.Metric, row.Tuning, r.FinalLook)
				}
				continue
			}
			if r.FinalLook.State != "done" || !reflect.DeepEqual(row.Tuning.Final, want.Rows[i].Tuning.Final) {
				t.Errorf("day %d, %s: looked at %+v, at the end there was %+v", day, row.Metric, row.Tuning.Final, want.Rows[i].Tuning.Final)
			}
			// The row itself is of everything.
			if n := row.ByVariant["control"].N; n != int64(day*200) || *row.Difference.Value == *row.Tuning.Final.Value {
				t.Errorf("day %d, %s: %d in control, difference %v", day, row.Metric, n, *row.Difference.Value)
			}
		}
	}
	// Facts that have a look keep it, and those that have none get this one.
	r, err := analyzeAsOf(t, set, exposures, orders, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	looked := map[string]results.Tuning{}
	for i := range r.Rows {
		looked[r.Rows[i].Key()] = results.Tuning{Definition: r.Rows[i].Definition, Final: r.Rows[i].Tuning.Final}
	}
	key, other := r.Rows[0].Key(), r.Rows[1].Key()
	kept := &results.Final{Rejected: true}
	all := withLooks(map[string]results.Tuning{key: {V: 3, Definition: r.Rows[0].Definition, Final: kept}, other: {V: 4, Definition: r.Rows[1].Definition}}, looked)
	if all[key].Final != kept || all[key].V != 3 || all[other].Final != looked[other].Final || all[other].V != 4 {
		t.Errorf("facts with looks: %+v", all)
	}
}

// A time before data that is there is no time up to which it is complete.
func TestAnalyzeAsOfBeforeItsDataIsRefused(t *testing.T) {
	set, exposures, orders := looking(t, 12, 2)
	if _, err := analyzeAsOf(t, set, exposures, orders, time.Unix(shopStart+86400, 0)); err == nil || !strings.Contains(err.Error(), "2026-03-05T01:0") || !strings.Contains(err.Error(), "as of, 2026-03-04T01:06:40Z") {
		t.Errorf("%v", err)
	}
	r, err := analyzeAsOf(t, set, exposures, orders, time.Unix(shopStart+3*86400, 0))
	if err != nil || r.FinalLook.State != "to_come" || !r.FinalLook.Reached.Equal(time.Unix(shopStart+3*86400, 0)) {
		t.Errorf("%v, %+v", err, r)
	}
}

// Files that are complete up to a time let a strict metric's subjects in whose windows are over by then, though no event says so; the look at
// a planned end is of those whose windows are over at the end.
func TestAnalyzeAsOfEndsStrictWindows(t *testing.T) {
	text := strings.Replace(fmt.Sprintf(shopYAML, noFiles[0], noFiles[1]), "goals: [ARPU]", "end: 2026-03-04T00:00:00Z\n  sequential: {final_look: true}\n  goals: [SOON]", 1)
	set := catalogtest.Parse(t, text+`
---
metric: {metric_id: SOON, subject: subject, direction: up, window: 1h, strict: true, numerator: {event: PURCHASE, agg: COUNT, value: subject}}
`)
	day := time.Date(2026, 3, 3, 23, 0, 0, 0, time.UTC)
	var exposures []string
	for i := range 120 { // one a minute, the last at 00:59
		exposures = append(exposures, fmt.Sprintf(`{"user_id":"u%d","variant":"%s","platform":"web","ts":%d}`, i, []string{"control", "treatment"}[i%2], day.Unix()+int64(60*i)))
	}
	for _, c := range []struct {
		lines int
		asOf  time.Time
		want  int64 // subjects
	}{
		{60, time.Time{}, 0}, // up to 23:59, when no window is over
		{60, day.Add(90 * time.Minute), 31},
		{60, day.Add(2 * time.Hour), 60},
		{120, time.Time{}, 60}, // up to 00:59
		{120, day.AddDate(0, 0, 1), 120},
	} {
		r, err := analyzeAsOf(t, set, exposures[:c.lines], nil, c.asOf)
		if err != nil {
			t.Fatal(err)
		}
		arms := r.Rows[0].ByVariant
		if got := arms["control"].N + arms["treatment"].N; r.Rows[0].Metric != "SOON" || got != c.want {
			t.Errorf("%d exposures as of %v: %d subjects of %s, want %d", c.lines, c.asOf, got, r.Rows[0].Metric, c.want)
		}
	}
}
