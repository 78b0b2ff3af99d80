// Package workload is the traffic of the kill, crash and freshness tests: definitions, the same said to the oracle, a
// seeded generator of JSON records in the order of one producer, and the comparison of the engine's results with the
// oracle's answer over the log. The oracle reads what is in the log, never the generator's list.
package workload

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"
	"time"

	"github.com/tidemark/tidemark/bench/oracle"
)

// Definitions is the YAML of the workload.
//
//go:embed definitions.yaml
var Definitions string

// Topics of the workload, each keyed by the user.
var Topics = []string{"exposures", "pages", "orders"}

// Start is the event time at which the experiments start; the traffic starts six hours earlier.
var Start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// Record is one message for a topic. Its Timestamp is the producer's, which the oracle and the engine read from the log.
type Record struct {
	Topic     string
	Key       string
	Value     []byte
	Timestamp time.Time
}

// Generator makes records: Zipf-like users, exposures before, among and after their events, some crossovers and
// unknown variants, disorder within the lateness, late events beyond it, duplicates by id.
type Generator struct {
	Users      int
	Step       time.Duration // event time between two records
	Duplicates float64       // share of records sent again, up to 1,000 records later
	rng        *rand.Rand
	made       int
	again      []Record
}

// Span is the event time that a run's traffic should cover: many times the lateness of an hour.
const Span = 30 * time.Hour

// NewGenerator starts six hours before Start; step is the event time from record to record.
func NewGenerator(seed uint64, users int, step time.Duration) *Generator {
	return &Generator{Users: users, Step: step, Duplicates: 0.05, rng: rand.New(rand.NewPCG(seed, 1))}
}

// Next makes one record.
func (g *Generator) Next() Record {
	if len(g.again) > 0 && g.rng.Float64() < 0.05 {
		i := g.rng.IntN(len(g.again))
		r := g.again[i]
		g.again[i] = g.again[len(g.again)-1]
		g.again = g.again[:len(g.again)-1]
		r.Timestamp = g.now()
		return r
	}
	r := g.fresh()
	if r.Topic != "orders" && g.rng.Float64() < g.Duplicates && len(g.again) < 1000 {
		g.again = append(g.again, r)
	}
	return r
}

func (g *Generator) now() time.Time {
	return Start.Add(-6 * time.Hour).Add(time.Duration(g.made) * g.Step)
}

func (g *Generator) fresh() Record {
	g.made++
	now := g.now()
	user := int(float64(g.Users) * g.rng.Float64() * g.rng.Float64() * g.rng.Float64())
	name := fmt.Sprintf("user-%06d", user)
	t := now.Add(-time.Duration(g.rng.Float64() * float64(2*time.Second)))
	switch x := g.rng.Float64(); {
	case x < 0.02:
		t = now.Add(-time.Duration(g.rng.Float64() * float64(50*time.Minute))) // disorder; an exposure may be late by Lx
	case x < 0.022:
		t = now.Add(-time.Hour - time.Duration(g.rng.Float64()*float64(time.Hour))) // late
	}
	record := func(topic, fields string) Record {
		value := fmt.Appendf(nil, `{"id":"e%d","ts":%d,"user_id":%q,%s}`, g.made, t.UnixMilli(), name, fields)
		return Record{topic, name, value, now}
	}
	pick := func(of ...string) string { return of[g.rng.IntN(len(of))] }
	switch x := g.rng.Float64(); {
	case x < 0.1:
		variant := []string{"control", "treatment"}[user%2]
		if g.rng.Float64() < 0.01 {
			variant = pick("control", "treatment", "holdout")
		}
		return record("exposures", fmt.Sprintf(`"experiment":"ranking","variant":%q,"device":{"platform":%q},"country":%q`,
			variant, pick("ios", "android", "web"), pick("DE", "KR", "US", "GB", "FR")))
	case x < 0.2:
		variant := []string{"a", "a", "b", "c"}[user%4]
		if g.rng.Float64() < 0.02 {
			variant = pick("a", "b", "c")
		}
		country := `"KR"`
		if g.rng.Float64() < 0.1 {
			country = "null"
		}
		return record("exposures", fmt.Sprintf(`"experiment":"pricing","variant":%q,"device":{"platform":%q},"country":%s`, variant, pick("ios", "android", "web"), country))
	case x < 0.55:
		return record("pages", fmt.Sprintf(`"kind":"impression","page":%d`, g.rng.IntN(20)))
	case x < 0.75:
		return record("pages", fmt.Sprintf(`"kind":"click","page":%d`, g.rng.IntN(20)))
	case x < 0.76:
		return record("pages", `"kind":"scroll","page":1`)
	}
	total := strconv.FormatFloat(float64(g.rng.IntN(10_000))/100-2, 'f', 2, 64)
	return record("orders", fmt.Sprintf(`"total":%s,"item":"i%d","category":%q`, total, g.rng.IntN(50), pick("books", "music", "sport")))
}

// Decode makes the oracle's records of one message of the log.
func Decode(topic string, partition int, offset int64, timestamp time.Time, value []byte) ([]oracle.Record, error) {
	var m struct {
		ID         string
		TS         int64
		User       string `json:"user_id"`
		Experiment string
		Variant    string
		Device     struct{ Platform string }
		Country    *string
		Kind       string
		Page       json.Number
		Total      json.Number
		Item       string
		Category   string
	}
	if err := json.Unmarshal(value, &m); err != nil {
		return nil, err
	}
	r := oracle.Record{Subject: m.User, Time: m.TS * 1000, HasID: true, ID: m.ID, Source: topic, Partition: partition, Offset: offset,
		Timestamp: timestamp.UnixMilli() * 1000, Variant: m.Variant, Fields: map[string]string{"user_id": m.User}}
	switch {
	case topic == "exposures":
		r.Def = "EXPOSURE"
		r.Fields["experiment"], r.Fields["platform"] = m.Experiment, m.Device.Platform
		if m.Country != nil {
			r.Fields["country"] = *m.Country
		}
	case topic == "pages" && m.Kind == "impression":
		r.Def = "IMPRESSION"
	case topic == "pages" && m.Kind == "click":
		r.Def = "CLICK"
	case topic == "orders":
		r.Def, r.HasID = "PURCHASE", false
		r.Fields["revenue"], r.Fields["item"], r.Fields["category"] = string(m.Total), m.Item, m.Category
	default:
		return nil, nil
	}
	return []oracle.Record{r}, nil
}

// Less orders the log for the oracle: each partition in its own order is all that matters.
func Less(a, b oracle.Record) bool {
	if a.Source != b.Source {
		return a.Source < b.Source
	}
	if a.Partition != b.Partition {
		return a.Partition < b.Partition
	}
	return a.Offset < b.Offset
}

// Sort sorts the log.
func Sort(log []oracle.Record) { sort.Slice(log, func(i, j int) bool { return Less(log[i], log[j]) }) }
