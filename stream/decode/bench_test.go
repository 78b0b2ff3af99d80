package decode

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/catalog/sql"
)

// wire is the record of 254 bytes and 7 fields on which decoders are compared.
const wire = `{"event_id":"7d9f2c1a-55b0-4f3e-9a60-1c2d3e4f5a6b","kind":"purchase","ts":1768046400123,"user":{"id":"u-00012345","segment":"returning"},"context":{"platform":"ios","app":{"version":"8.14.2"}},"order":{"total":24.06,"currency":"EUR","items":3},"trace":"9f8e7d"}`

const wireDefinitions = `
source: {id: orders, kafka: {topic: orders}, format: json}
---
event:
  id: PURCHASE
  sql: |
    SELECT "user".id AS user_id, event_id, EPOCH_MS(ts) AS event_time, CAST("order".total AS DECIMAL(18,2)) AS revenue,
           context.platform AS platform, context.app.version AS version, "order".items AS items
    FROM orders WHERE kind = 'purchase'
---
event:
  id: EXPOSURE
  sql: SELECT "user".id AS user_id, variant, EPOCH_MS(ts) AS event_time FROM orders WHERE kind = 'expose'
---
metric: {metric_id: ARPU, type: CONTINUOUS, subject: user_id, direction: up, numerator: {event: PURCHASE, agg: SUM, value: revenue}}
---
metric: {metric_id: ITEMS, type: CONTINUOUS, subject: user_id, direction: up, numerator: {event: PURCHASE, agg: SUM, value: items, where: "version <> 'old'"}}
---
experiment:
  id: checkout
  subject: user_id
  exposure: {event: EXPOSURE, variant: variant}
  variants: {control: 1, treatment: 1}
  control: control
  start: 2026-01-01T00:00:00Z
  end: 2026-02-01T00:00:00Z
  goals: [ARPU, ITEMS]
  slices: [{dimension: platform, of: PURCHASE}]
`

// BenchmarkDecode: one record, two event definitions over its topic of which one keeps it.
func BenchmarkDecode(b *testing.B) {
	plan := catalogtest.Plan(b, wireDefinitions)
	d, err := New(plan, 0, words{}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	rec := Record{Timestamp: time.UnixMilli(1768046400123).UnixMicro(), Value: []byte(wire)}
	var out Outcome
	d.Decode(rec, &out)
	if got := summary(plan, &out); got != "PURCHASE of u-00012345" {
		b.Fatal(got, out.Detail)
	}
	b.Run(fmt.Sprintf("bytes=%d/fields=9", len(wire)), func(b *testing.B) {
		b.SetBytes(int64(len(wire)))
		b.ReportAllocs()
		for b.Loop() {
			d.Decode(rec, &out)
		}
	})
	b.Run("subjects", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d.Subjects(rec)
		}
	})
}

// BenchmarkJSON reads the fields alone, by a layout and the plain way.
func BenchmarkJSON(b *testing.B) {
	for _, plain := range []bool{false, true} {
		b.Run(fmt.Sprintf("plain=%v", plain), func(b *testing.B) {
			r := readerOf("event_id", "kind", "ts", "user.id", "context.platform", "order.total", "order.items")
			r.plainOnly = plain
			text := []byte(wire)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if !r.read(text) {
					b.Fatal(r.describe())
				}
			}
		})
	}
}

// BenchmarkCSV splits a row of eight columns of which five are wanted.
func BenchmarkCSV(b *testing.B) {
	r := &csvReader{slots: make([]sql.Raw, 5), names: []string{"Invoice", "Quantity", "InvoiceDate", "Price", "Customer ID"}}
	if err := r.header([]byte("Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country")); err != nil {
		b.Fatal(err)
	}
	row := []byte(`489434,85048,"15CM CHRISTMAS GLASS BALL, 20 LIGHTS",12,2009-12-01 07:45:00,6.95,13085,United Kingdom`)
	b.SetBytes(int64(len(row)))
	b.ReportAllocs()
	for b.Loop() {
		if !r.read(row) {
			b.Fatal(r.problem)
		}
	}
}

// shopDefinitions are four event definitions over one topic, told apart by one field: the commonest shape there is.
const shopDefinitions = `
source: {id: shop, kafka: {topic: shop, keyed_by: user.id}, format: json}
---
event: {id: EXPOSURE, sql: "SELECT user.id AS user_id, EPOCH_MS(ts) AS event_time, experiment.variant AS variant, device.platform AS platform, device.country AS country, user.plan AS plan FROM shop WHERE type = 'exposure'"}
---
event: {id: IMPRESSION, sql: "SELECT user.id AS user_id, EPOCH_MS(ts) AS event_time FROM shop WHERE type = 'impression'"}
---
event: {id: CLICK, sql: "SELECT user.id AS user_id, EPOCH_MS(ts) AS event_time FROM shop WHERE type = 'click'"}
---
event: {id: PURCHASE, sql: "SELECT user.id AS user_id, EPOCH_MS(ts) AS event_time, CAST(cents AS BIGINT) AS cents FROM shop WHERE type = 'purchase'"}
---
metric: {metric_id: CTR, subject: user_id, direction: up, numerator: {event: CLICK, agg: COUNT, value: user_id}, denominator: {event: IMPRESSION, agg: COUNT, value: user_id}}
---
metric: {metric_id: REVENUE, subject: user_id, direction: up, numerator: {event: PURCHASE, agg: SUM, value: cents}}
---
experiment:
  id: ranking
  subject: user_id
  exposure: {event: EXPOSURE, variant: variant}
  variants: {control: 1, treatment: 1}
  control: control
  start: 2026-01-05T00:00:00Z
  goals: [CTR, REVENUE]
  slices: [platform, country, plan]
`

// shopRecords have values of different lengths, as records have, so that no branch is always taken.
func shopRecords(n int, seed int64) []Record {
	r := rand.New(rand.NewSource(seed))
	pick := func(words ...string) string { return words[r.Intn(len(words))] }
	const agent = "Mozilla/5.0 (compatible; shop/7.41; build 20260105) Mozilla/5.0 (compatible; shop/7.41)"
	records := make([]Record, n)
	for i := range records {
		at := int64(1767600000000) + int64(i)*4
		user := fmt.Sprintf("u%011d", r.Intn(10_000_000))
		text := fmt.Sprintf(`{"id":"e%014d","ts":%d,"type":"%s","user":{"id":"%s","plan":"%s"},"device":{"platform":"%s","country":"%s","agent":"%s"},`+
			`"experiment":{"id":"ranking","variant":"%s"},"cents":%d}`, i, at, pick("exposure", "impression", "impression", "impression", "click", "purchase"),
			user, pick("free", "free", "plus", "pro"), pick("ios", "android", "web"), pick("US", "IN", "BR", "DE", "GB", "FR"), agent[:40+r.Intn(20)],
			pick("control", "treatment"), r.Intn(5000))
		records[i] = Record{Offset: int64(i), Timestamp: at * 1000, Bound: at * 1000, Key: []byte(user), Value: []byte(text)}
	}
	return records
}

// BenchmarkShop: records of four kinds, each kept by one of four event definitions.
func BenchmarkShop(b *testing.B) {
	plan := catalogtest.Plan(b, shopDefinitions)
	d, err := New(plan, 0, words{}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	records := shopRecords(4096, 1)
	var out Outcome
	accepted := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.Decode(records[i%len(records)], &out)
		for j := range out.Events {
			if out.Events[j].Verdict == Accepted {
				accepted++
			}
		}
	}
	if accepted != b.N {
		b.Fatalf("%d records gave %d events", b.N, accepted)
	}
}
