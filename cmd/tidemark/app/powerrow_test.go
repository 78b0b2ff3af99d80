package app

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/stream/results"
)

const powerRowYAML = `source: {id: log, files: [log.csv]}
---
event:
  id: EXPOSED
  sql: SELECT subject, variant, TO_TIMESTAMP(CAST(at AS BIGINT)) AS event_time FROM log
---
event:
  id: MEASURED
  sql: SELECT subject, CAST(value AS DECIMAL(18,4)) AS value, TO_TIMESTAMP(CAST(at AS BIGINT)) AS event_time FROM log
---
metric: {id: VALUE, subject: subject, numerator: {event: MEASURED, agg: SUM, value: value}, direction: up}
---
metric: {id: EVENTS, subject: subject, numerator: {event: MEASURED, agg: COUNT}, direction: down}
---
experiment:
  id: x
  subject: subject
  exposure: {event: EXPOSED}
  variants: {control: %d, treatment: %d}
  control: control
  start: 2026-03-02T00:00:00Z
  end: %s
  goals: [VALUE]
  guardrails: [{metric: EVENTS, limit: 20%%}]
  stats: {mde: 10%%%s}
`

// analyzedRows analyzes 4,000 subjects, so many in a hundred of them in the treatment, whose values vary less than the control's.
func analyzedRows(t *testing.T, treatment int, stats, lines, end string) (text string, r results.Result) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.yaml"), []byte(fmt.Sprintf(powerRowYAML, 100-treatment, treatment, end, stats)+lines), 0o600); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 1))
	log := strings.Builder{}
	log.WriteString("subject,variant,value,at\n")
	for i := range 4000 {
		variant := "control"
		if rng.IntN(100) < treatment {
			variant = "treatment"
		}
		value := math.Exp(rng.NormFloat64())
		if variant == "treatment" {
			value *= 0.5
		}
		for range 1 + rng.IntN(3) {
			fmt.Fprintf(&log, "u%d,%s,%.2f,%d\n", i, variant, value, 1772409600+i*300)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "log.csv"), []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	code, text, errOut := call("analyze", dir, "-q", "-o", "json")
	if code != exitOK {
		t.Fatal(errOut)
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return text, r
}

// The command and the row it reads say the same of one row: with arms of one size and of very different size, before and after a planned
// look, under a share of the level, a fixed prior and another mixture.
func TestPowerOfARowIsTheRows(t *testing.T) {
	const late, past = "2027-03-02T00:00:00Z", "2026-03-10T00:00:00Z"
	for _, c := range []struct {
		name, stats, lines, end string
		treatment               int
		unequal, to             bool
	}{
		{"balanced", "", "", late, 50, false, false},
		{"unequal", "", "", late, 10, true, false},
		{"final look to come", "", "  sequential: {final_look: true}\n", late, 50, false, true},
		{"final look to come, unequal", "", "  sequential: {final_look: true}\n", late, 10, true, true},
		{"final look done", "", "  sequential: {final_look: true}\n", past, 50, false, false},
		{"a share", ", correction: bonferroni", "", late, 10, true, false},
		{"a share and a final look", ", correction: bonferroni", "  sequential: {final_look: true}\n", late, 50, false, true},
		{"a fixed prior", "", "  sequential: {tau2: 2}\n", late, 10, false, false},
		{"student", "", "  sequential: {mixture: student}\n", late, 10, true, false},
	} {
		text, r := analyzedRows(t, c.treatment, c.stats, c.lines, c.end)
		code, out, errOut := send(text, "power", "--from", "-", "--effect", "10%", "-o", "json")
		if code != exitOK {
			t.Fatalf("%s: %s", c.name, errOut)
		}
		for i := range r.Rows {
			row := &r.Rows[i]
			if (row.Difference.SEAlways != nil) != c.unequal || row.Difference.IntervalAlways == nil || c.unequal && row.Metric == "VALUE" && *row.Difference.SEAlways < 1.1**row.Difference.SE {
				t.Fatalf("%s, %s: se_always %v of %v, interval %v: not the case that it is for", c.name, row.Metric, row.Difference.SEAlways, *row.Difference.SE, row.Difference.IntervalAlways)
			}
			at := fmt.Sprintf("%d.", i)
			near := func(path string, want float64, tolerance float64) {
				t.Helper()
				if got := field(t, out, at+path).(float64); math.Abs(got-want) > tolerance*want {
					t.Errorf("%s, %s: %s is %v, the row says %v", c.name, row.Metric, path, got, want)
				}
			}
			near("now.sequential.mde", *row.Power.MDE, 1e-9)
			near("now.sequential.mde_lift", *row.Power.MDELift, 1e-9)
			near("now.fixed.mde", *row.Power.MDEFixed, 1e-9)
			more := math.Max(0, float64(*row.Power.Subjects)-float64(r.Subjects["control"]+r.Subjects["treatment"]))
			if row.Tuning.Final == nil { // a look that has been can't be had again
				near("effects.0.sequential.more", more, 1e-9)
			}
			if final := row.Tuning.Final != nil; final != (c.name == "final look done" && row.Metric == "VALUE") || c.to != (r.FinalLook != nil && r.FinalLook.State == "to_come") {
				t.Errorf("%s: the look is %+v", c.name, r.FinalLook)
			}
		}
	}
}

// calc says by which error its always-valid numbers go, as the row does.
func TestCalcOfARowIsTheRows(t *testing.T) {
	for _, treatment := range []int{50, 10} {
		_, r := analyzedRows(t, treatment, "", "", "2027-03-02T00:00:00Z")
		row := &r.Rows[0]
		request, err := json.Marshal(map[string]any{"control": row.ByVariant["control"], "treatment": row.ByVariant["treatment"], "tuning": map[string]any{"v": row.Tuning.V}})
		if err != nil {
			t.Fatal(err)
		}
		code, out, errOut := send(string(request), "calc", "-o", "json")
		if code != exitOK {
			t.Fatal(errOut)
		}
		_, table, _ := send(string(request), "calc")
		d := &row.Difference
		if says := strings.Contains(table, "always-valid  se "); (d.SEAlways != nil) != (treatment == 10) || says != (d.SEAlways != nil) {
			t.Errorf("%d %% in the treatment: se_always %v, and the table is\n%s", treatment, d.SEAlways, table)
		}
		got, se := field(t, out, "difference.se_always"), *d.SE
		if d.SEAlways == nil && got != nil || d.SEAlways != nil && (got == nil || math.Abs(got.(float64)-*d.SEAlways) > 1e-12**d.SEAlways) {
			t.Errorf("%d %% in the treatment: se_always is %v, the row has %v", treatment, got, d.SEAlways)
		}
		if d.SEAlways != nil {
			se = *d.SEAlways
		}
		k, p, width := field(t, out, "difference.k").(float64), field(t, out, "difference.p_always").(float64), d.IntervalAlways[1]-d.IntervalAlways[0]
		if math.Abs(2*k*se-width) > 1e-9*width || math.Abs(p-*d.PAlways) > 1e-9*p {
			t.Errorf("%d %% in the treatment: k %v, p %v; the row has %v, %v", treatment, k, p, *d.IntervalAlways, *d.PAlways)
		}
	}
}
