package traffic

import (
	"fmt"
	"slices"
	"strings"
)

// Job is what is computed over a log.
type Job struct {
	// Experiments that read the same exposures, each with all metrics and dimensions: "ranking", then "ranking_2" …
	Experiments int `json:"experiments"`
	// Metrics: ctr, revenue, order_rate, then "revenue_over_N" of purchases over N cents.
	Metrics int `json:"metrics"`
	// Dimensions that the experiments are sliced by: the first of the log's.
	Dimensions int `json:"dimensions"`
	// Dedupe gives the events their ids as identity.
	Dedupe bool `json:"dedupe"`
}

// TheJob is the contract's: one experiment, three metrics, three dimensions.
func TheJob() Job { return Job{Experiments: 1, Metrics: 3, Dimensions: 3} }

// Metric is one metric of a job. x of a subject is the number of its X events, or with Over ≥ 0 the Σ of the cents of its
// purchases over that; y is the number of its Y events, or 1.
type Metric struct {
	ID   string
	X, Y Type // Y is Exposure for a mean, whose y is 1
	Over int32
}

// Mean says whether y is 1.
func (m Metric) Mean() bool { return m.Y == Exposure }

// MetricList are the job's metrics.
func (j Job) MetricList() []Metric {
	out := []Metric{{"ctr", Click, Impression, -1}, {"revenue", Purchase, Exposure, 0}, {"order_rate", Purchase, Click, -1}}
	for i := len(out); i < j.Metrics; i++ {
		over := int32(100 * (i - 2))
		out = append(out, Metric{fmt.Sprintf("revenue_over_%d", over), Purchase, Exposure, over})
	}
	return out[:min(j.Metrics, len(out))]
}

// ExperimentIDs are the job's experiments.
func (j Job) ExperimentIDs() []string {
	out := []string{"ranking"}
	for i := 2; i <= j.Experiments; i++ {
		out = append(out, fmt.Sprintf("ranking_%d", i))
	}
	return out
}

// Definitions is the job as Tidemark's YAML over a topic.
func (j Job) Definitions(shape Shape, topic string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "source: {id: shop, format: json, kafka: {topic: %s, keyed_by: user.id}, lateness: %dms}\n", topic, shape.Lateness.Milliseconds())
	columns := "user.id AS user_id, EPOCH_MS(ts) AS event_time"
	if j.Dedupe {
		columns += ", id AS event_id"
	}
	event := func(id, more string, t Type) {
		fmt.Fprintf(&out, "---\nevent: {id: %s, owner: bench, description: %s, dependencies: [shop], sql: \"SELECT %s%s FROM shop WHERE type = '%s'\"}\n", id, t, columns, more, t)
	}
	names := Dimensions(shape.Dimensions)[:j.Dimensions]
	exposure := ", experiment.variant AS variant"
	for _, name := range names {
		object := "device"
		if name == "plan" {
			object = "user"
		}
		exposure += fmt.Sprintf(", %s.%s AS %s", object, name, name)
	}
	event("EXPOSURE", exposure, Exposure)
	event("IMPRESSION", "", Impression)
	event("CLICK", "", Click)
	event("PURCHASE", ", CAST(cents AS BIGINT) AS cents", Purchase)
	var ids []string
	for _, m := range j.MetricList() {
		ids = append(ids, m.ID)
		terms := fmt.Sprintf("numerator: {event: %s, agg: COUNT, value: user_id}", strings.ToUpper(m.X.String()))
		switch {
		case m.Over == 0:
			terms = "numerator: {event: PURCHASE, agg: SUM, value: cents}"
		case m.Over > 0:
			terms = fmt.Sprintf("numerator: {event: PURCHASE, agg: SUM, value: cents, where: \"cents > %d\"}", m.Over)
		}
		if !m.Mean() {
			terms += fmt.Sprintf(", denominator: {event: %s, agg: COUNT, value: user_id}", strings.ToUpper(m.Y.String()))
		}
		fmt.Fprintf(&out, "---\nmetric: {metric_id: %s, subject: user_id, owner: bench, direction: up, %s}\n", m.ID, terms)
	}
	for _, id := range j.ExperimentIDs() {
		fmt.Fprintf(&out, `---
experiment:
  id: %s
  owner: bench
  subject: user_id
  exposure: {event: EXPOSURE, variant: variant}
  variants: {%s: 1, %s: 1}
  control: %s
  start: %s
  goals: [%s]
`, id, variants[0], variants[1], variants[0], Start.Format("2006-01-02T15:04:05Z"), strings.Join(ids, ", "))
		if len(names) > 0 {
			fmt.Fprintf(&out, "  slices: [%s]\n", strings.Join(names, ", "))
		}
	}
	return out.String()
}

// Semantics says which records count; the doc of command bench defines the three words.
type Semantics string

// The semantics of the contract.
const (
	Bare   Semantics = "bare"
	Full   Semantics = "full"
	Dedupe Semantics = "dedupe"
)

// Semantics of Tidemark with this job.
func (j Job) Semantics() Semantics {
	if j.Dedupe {
		return Dedupe
	}
	return Full
}

// ParseSemantics refuses other words.
func ParseSemantics(text string) (Semantics, error) {
	if s := Semantics(text); slices.Contains([]Semantics{Bare, Full, Dedupe}, s) {
		return s, nil
	}
	return "", fmt.Errorf("traffic: semantics %q: want bare, full or dedupe", text)
}
