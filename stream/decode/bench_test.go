package decode

import (
	"fmt"
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
