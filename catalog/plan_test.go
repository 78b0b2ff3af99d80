package catalog

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// planText prints a plan in the words of definitions, so that a test reads what is compiled and not how it is numbered.
func planText(p *Plan) string {
	var b strings.Builder
	for i, s := range p.Sources {
		fmt.Fprintf(&b, "source %s direct=%t\n", s.ID, p.Direct[i])
	}
	column := func(e PlanEvent, i int) string {
		if i < 0 {
			return "-"
		}
		return e.Query.Columns[i].Name
	}
	for _, e := range p.Events {
		fmt.Fprintf(&b, "event %s of %s subject=%s time=%s id=%s lateness=%s profile=%t\n", e.ID, p.Sources[e.Source].ID,
			column(e, e.SubjectColumn), column(e, e.TimeColumn), column(e, e.IDColumn), microsText(e.Lateness), e.Profile)
		for _, x := range e.Exposures {
			fmt.Fprintf(&b, "  exposes %s\n", p.Experiments[x].ID)
		}
		for _, i := range e.Measures {
			fmt.Fprintf(&b, "  measure %d\n", i)
		}
		for _, i := range e.Dimensions {
			fmt.Fprintf(&b, "  dimension %s\n", column(e, i))
		}
		for _, i := range e.ProfileColumns {
			fmt.Fprintf(&b, "  profile column %s\n", column(e, i))
		}
	}
	for i, m := range p.Measures {
		where := ""
		if m.Where != nil {
			where = " where " + m.Where.Text
		}
		fmt.Fprintf(&b, "measure %d: %s(%s) of %s scale=%d presence=%t%s\n", i, m.Agg, column(p.Events[m.Event], m.Column), p.Events[m.Event].ID, m.Scale, m.Presence, where)
	}
	for _, x := range p.Experiments {
		fmt.Fprintf(&b, "experiment %s exposure=%s variant=%s control=%s stop=%s lateness=%s pre=%s\n", x.ID, p.Events[x.Exposure].ID,
			column(p.Events[x.Exposure], x.VariantColumn), x.Variants[x.Control].ID, microsText(x.Stop), microsText(x.Lateness), microsText(x.PrePeriod))
		for _, d := range x.Dimensions {
			from := ""
			if d.Event >= 0 {
				from = " of " + p.Events[d.Event].ID + "." + column(p.Events[d.Event], d.Column)
			}
			for _, e := range slices.Sorted(mapKeys(d.Columns)) {
				from += " " + p.Events[e].ID + "." + column(p.Events[e], d.Columns[e])
			}
			fmt.Fprintf(&b, "  slice %s %s%s\n", d.Name, d.Kind, from)
		}
		for _, m := range x.Metrics {
			fmt.Fprintf(&b, "  %s %s = %d / %d presence=%v ordered=%t window=%s slices=%b\n", m.Role, m.Metric.ID, m.Numerator, m.Denominator, m.Presence, m.Ordered, microsText(m.Window), m.Dimensions)
		}
	}
	return b.String()
}

func mapKeys(m map[int]int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func microsText(n int64) string {
	if n == math.MaxInt64 {
		return "never"
	}
	return fmt.Sprintf("%ds", n/1_000_000)
}

const planDefinitions = `source: {id: views, kafka: {topic: views, keyed_by: uid}, lateness: 2h}
---
source: {id: orders, kafka: {topic: orders, keyed_by: user_id}}
---
source: {id: people, kafka: {topic: people}, profile: true}
---
source: {id: rows, files: [rows.csv]}
---
event: {id: SEEN, sql: "SELECT uid AS user_id, variant, country, TO_TIMESTAMP(ts) AS event_time FROM views WHERE kind = 'seen'"}
---
event: {id: VIEW, sql: "SELECT uid AS user_id, page, ms, id AS event_id, TO_TIMESTAMP(ts) AS event_time FROM views WHERE kind = 'view'"}
---
event: {id: ORDER, sql: "SELECT LOWER(user_id) AS user_id, device_id, page, CAST(total AS DECIMAL(18,2)) AS total, CAST(n AS BIGINT) AS items, TO_TIMESTAMP(ts) AS event_time FROM orders"}
---
event: {id: PERSON, sql: "SELECT user_id, age FROM people"}
---
event: {id: ROW, sql: "SELECT user_id, arm, CAST(x AS DOUBLE) AS x, CAST(at AS TIMESTAMP) AS event_time FROM rows"}
---
metric: {id: ARPU, subject: user_id, direction: up, numerator: {event: ORDER, agg: SUM, value: total}}
---
metric: {id: AOV, subject: user_id, direction: up, numerator: {event: ORDER, agg: SUM, value: total}, denominator: {event: ORDER, agg: COUNT, value: user_id}}
---
metric: {id: BUY_RATE, subject: user_id, direction: up, window: 1d, numerator: {event: ORDER, agg: COUNT}, denominator: {event: VIEW, agg: COUNT}}
---
metric: {id: ITEMS, subject: user_id, direction: up, window: 2d, slices: [country], numerator: {event: ORDER, agg: MAX, value: items, where: total > 0}}
---
metric: {id: SPEED, subject: user_id, direction: down, numerator: {event: VIEW, agg: SUM, value: ms}, denominator: {event: VIEW, agg: COUNT, value: ms}}
---
metric: {id: EVERYBODY, subject: user_id, direction: up, numerator: {event: TRIGGERED, agg: COUNT}}
---
metric: {id: X, subject: user_id, direction: up, numerator: {event: ROW, agg: SUM, value: x}}
---
experiment:
  id: first
  subject: user_id
  exposure: {event: SEEN, lateness: 30m}
  variants: {on: 1, off: 1}
  control: off
  start: 2026-03-02
  stop: 2026-03-03
  goals: [ARPU, AOV, BUY_RATE]
  secondary: [ITEMS, EVERYBODY]
  slices: [country, age, page]
---
experiment:
  id: second
  subject: user_id
  exposure: {event: SEEN}
  variants: {on: 1, off: 1}
  control: off
  start: 2026-03-02
  goals: [SPEED]
  cuped: {pre_period: 14d}
---
experiment:
  id: third
  subject: user_id
  exposure: {event: ROW, variant: arm, lateness: 10m}
  variants: {a: 1, b: 1}
  control: a
  start: 2026-03-02
  goals: [X]
---
experiment: {id: asleep, active: false, subject: user_id, exposure: {event: SEEN}, variants: {on: 1, off: 1}, control: off, start: 2026-03-02, goals: [X]}
`

// TestPlan compiles definitions that use every rule of the plan once.
func TestPlan(t *testing.T) {
	set := mustLoad(t, planDefinitions)
	plans, err := set.Plans()
	if err != nil || len(plans) != 1 {
		t.Fatal(len(plans), err)
	}
	want := `source orders direct=false
source people direct=false
source rows direct=false
source views direct=true
event ORDER of orders subject=user_id time=event_time id=- lateness=3600s profile=false
  measure 0
  measure 1
  measure 2
  measure 3
  dimension page
event PERSON of people subject=user_id time=- id=- lateness=never profile=true
  profile column age
event ROW of rows subject=user_id time=event_time id=- lateness=never profile=false
  exposes third
  measure 4
event SEEN of views subject=user_id time=event_time id=- lateness=1800s profile=false
  exposes first
  exposes second
event VIEW of views subject=user_id time=event_time id=event_id lateness=7200s profile=false
  measure 5
  measure 6
  measure 7
  measure 8
  dimension page
measure 0: COUNT(-) of ORDER scale=0 presence=false
measure 1: MAX(items) of ORDER scale=0 presence=false where total > 0
measure 2: SUM(total) of ORDER scale=2 presence=false
measure 3: COUNT(-) of ORDER scale=0 presence=true
measure 4: SUM(x) of ROW scale=6 presence=false
measure 5: COUNT(-) of VIEW scale=0 presence=false
measure 6: COUNT(ms) of VIEW scale=0 presence=false
measure 7: SUM(ms) of VIEW scale=6 presence=false
measure 8: COUNT(-) of VIEW scale=0 presence=true
experiment first exposure=SEEN variant=variant control=off stop=1772496000s lateness=1800s pre=0s
  slice country exposure of SEEN.country
  slice age profile of PERSON.age
  slice page event ORDER.page VIEW.page
  goal ARPU = 2 / -1 presence=[3] ordered=false window=0s slices=111
  goal AOV = 2 / 0 presence=[3] ordered=false window=0s slices=111
  goal BUY_RATE = 0 / 5 presence=[3 8] ordered=true window=86400s slices=111
  secondary ITEMS = 1 / -1 presence=[] ordered=false window=172800s slices=1
  secondary EVERYBODY = -1 / -1 presence=[] ordered=false window=0s slices=11
experiment second exposure=SEEN variant=variant control=off stop=never lateness=600s pre=1209600s
  goal SPEED = 7 / 6 presence=[] ordered=false window=0s slices=0
experiment third exposure=ROW variant=arm control=a stop=never lateness=never pre=0s
  goal X = 4 / -1 presence=[] ordered=false window=0s slices=0
`
	if got := planText(plans[0]); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestPlanPerSubject gives each subject type in use its own plan, and nothing to one that is not in use.
func TestPlanPerSubject(t *testing.T) {
	set := mustLoad(t, planDefinitions[:strings.Index(planDefinitions, "experiment:\n  id: first")]+`event: {id: DEVICE, sql: "SELECT device_id, variant, TO_TIMESTAMP(ts) AS event_time FROM views"}
---
metric: {id: DEVICES, subject: [device_id, user_id], direction: up, numerator: {event: ORDER, agg: COUNT, value: user_id}}
---
experiment: {id: d, subject: device_id, exposure: {event: DEVICE}, variants: {on: 1, off: 1}, control: off, start: 2026-03-02, goals: [DEVICES]}
---
experiment: {id: u, subject: user_id, exposure: {event: SEEN}, variants: {on: 1, off: 1}, control: off, start: 2026-03-02, goals: [DEVICES]}
`)
	plans, err := set.Plans()
	if err != nil || len(plans) != 2 {
		t.Fatal(len(plans), err)
	}
	device, user := plans[0], plans[1]
	if device.Subject != "device_id" || user.Subject != "user_id" || device.Hash == user.Hash {
		t.Errorf("plans of %s and %s", device.Subject, user.Subject)
	}
	// COUNT of the subject's own column counts every event; of another column it counts where that is not NULL.
	if device.Measures[0].Column != 0 || user.Measures[0].Column != -1 {
		t.Errorf("columns %d and %d", device.Measures[0].Column, user.Measures[0].Column)
	}
	if device.Direct[1] || !user.Direct[1] {
		t.Errorf("views is keyed by uid: direct %t for devices, %t for users", device.Direct[1], user.Direct[1])
	}
}

// TestPlanLimitsAreTheMoments holds the bound on dimensions to the type that carries them; catalog may not import it.
func TestPlanLimitsAreTheMoments(t *testing.T) {
	if maxDimensions != moment.MaxDimensions {
		t.Errorf("catalog allows %d dimensions, a slice holds %d", maxDimensions, moment.MaxDimensions)
	}
}
