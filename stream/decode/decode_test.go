package decode

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/catalog/sql"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stats/moment"
)

const shop = `
source: {id: traffic, kafka: {topic: traffic}, format: json, timezone: Asia/Seoul}
---
source: {id: people, kafka: {topic: people}, format: json, profile: true}
---
event:
  id: EXPOSURE
  sql: SELECT user_id, variant, platform, EPOCH_MS(ts) AS event_time FROM traffic WHERE kind = 'expose'
---
event:
  id: PURCHASE
  sql: |
    SELECT user_id, id AS event_id, EPOCH_MS(ts) AS event_time, CAST("order".total AS DECIMAL(18,2)) AS revenue,
           "order".item AS item, "order".qty AS qty, category
    FROM traffic WHERE kind = 'buy'
---
event:
  id: PROFILE
  sql: SELECT user_id, country, age FROM people
---
metric: {metric_id: ARPU, type: CONTINUOUS, subject: user_id, direction: up, numerator: {event: PURCHASE, agg: SUM, value: revenue}}
---
metric: {metric_id: BIG, type: CONTINUOUS, subject: user_id, direction: up, numerator: {event: PURCHASE, agg: COUNT, value: user_id, where: "revenue >= 100"}}
---
metric: {metric_id: ITEMS, type: CONTINUOUS, subject: user_id, direction: up, numerator: {event: PURCHASE, agg: COUNT_DISTINCT, value: item}}
---
metric: {metric_id: UNITS, type: CONTINUOUS, subject: user_id, direction: up, numerator: {event: PURCHASE, agg: SUM, value: qty, where: "qty <> 13"}}
---
experiment:
  id: checkout
  subject: user_id
  exposure: {event: EXPOSURE, variant: variant, where: "platform <> 'bot'"}
  variants: {control: 1, treatment: 1}
  control: control
  start: 2026-01-01T00:00:00Z
  end: 2026-02-01T00:00:00Z
  goals: [ARPU, BIG]
  secondary: [ITEMS, UNITS]
  slices: [platform, country, category]
`

// words is a dictionary that gives ids in the order of appearance.
type words map[string]uint32

func (w words) ID(value []byte) uint32 {
	id, ok := w[string(value)]
	if !ok {
		id = moment.FirstValue + uint32(len(w))
		w[string(value)] = id
	}
	return id
}

func sourceIndex(t testing.TB, plan *catalog.Plan, id string) int {
	t.Helper()
	for i, s := range plan.Sources {
		if s.ID == id {
			return i
		}
	}
	t.Fatalf("the plan has no source %s", id)
	return -1
}

// shopDecoder decodes the shop's traffic; now is the Kafka timestamp of its records.
func shopDecoder(t testing.TB, source string, opt Options) (*Decoder, *catalog.Plan, words) {
	t.Helper()
	plan, dict := catalogtest.Plan(t, shop), words{}
	d, err := New(plan, sourceIndex(t, plan, source), dict, opt)
	if err != nil {
		t.Fatal(err)
	}
	return d, plan, dict
}

var now = time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)

func record(value string) Record {
	return Record{Input: 3, Offset: 77, Timestamp: now.UnixMicro(), Bound: now.UnixMicro() + 5, Value: []byte(value)}
}

// summary writes an outcome in words, by the names of the plan.
func summary(plan *catalog.Plan, out *Outcome) string {
	if out.Reason != "" {
		return out.Reason
	}
	var parts []string
	for i := range out.Events {
		o := &out.Events[i]
		name := plan.Events[o.Def].ID
		switch o.Verdict {
		case Filtered:
		case Rejected:
			parts = append(parts, name+" "+o.Reason)
		case Elsewhere:
			parts = append(parts, fmt.Sprintf("%s of %s elsewhere", name, o.Event.Subject))
		default:
			parts = append(parts, fmt.Sprintf("%s of %s", name, o.Event.Subject))
		}
	}
	if parts == nil {
		return "filtered"
	}
	return strings.Join(parts, ", ")
}

func TestDecodeOutcomes(t *testing.T) {
	d, plan, _ := shopDecoder(t, "traffic", Options{MaxRecord: 400})
	ms := now.UnixMilli()
	buy := func(fields string) string { return fmt.Sprintf(`{"kind":"buy","user_id":"u1","ts":%d%s}`, ms, fields) }
	var out Outcome
	for _, test := range []struct{ name, value, want string }{
		{"a purchase", buy(`,"order":{"total":12.5}`), "PURCHASE of u1"},
		{"an exposure", fmt.Sprintf(`{"kind":"expose","user_id":42,"ts":%d,"variant":"control"}`, ms), "EXPOSURE of 42"},
		{"neither", `{"kind":"view"}`, "filtered"},
		{"no kind", `{}`, "filtered"},
		{"keys in another case", `{"Kind":"buy","USER_ID":"u1"}`, "filtered"},
		{"bad JSON", `{"kind":"buy"`, sql.Malformed},
		{"not an object", `["buy"]`, sql.Malformed},
		{"a key twice", `{"kind":"buy","kind":"view"}`, sql.Malformed},
		{"empty", "", sql.Malformed},
		{"not UTF-8", "{\"kind\":\"b\xfcy\"}", sql.WrongEncoding},
		{"byte order mark", "\ufeff{}", sql.WrongEncoding},
		{"UTF-16", "{\x00}\x00", sql.WrongEncoding},
		{"gzip", "\x1f\x8b\x08\x00", sql.WrongEncoding},
		{"too large", buy(`,"x":"` + strings.Repeat("x", 400) + `"`), sql.Oversize},
		{"no subject", fmt.Sprintf(`{"kind":"buy","ts":%d}`, ms), "PURCHASE " + sql.MissingSubject},
		{"empty subject", fmt.Sprintf(`{"kind":"buy","user_id":"","ts":%d}`, ms), "PURCHASE " + sql.MissingSubject},
		{"null subject", fmt.Sprintf(`{"kind":"buy","user_id":null,"ts":%d}`, ms), "PURCHASE " + sql.MissingSubject},
		{"no time", `{"kind":"buy","user_id":"u1"}`, "PURCHASE " + sql.MissingTime},
		{"time is text", `{"kind":"buy","user_id":"u1","ts":"yesterday"}`, "PURCHASE " + sql.TypeMismatch},
		{"the epoch", `{"kind":"buy","user_id":"u1","ts":0}`, "PURCHASE " + sql.TimeRange},
		{"before the epoch", `{"kind":"buy","user_id":"u1","ts":-1}`, "PURCHASE " + sql.TimeRange},
		{"microseconds for milliseconds", `{"kind":"buy","user_id":"u1","ts":1767225600000000}`, "PURCHASE " + sql.TimeRange},
		{"beyond 64 bits", `{"kind":"buy","user_id":"u1","ts":99999999999999999999}`, "PURCHASE " + sql.NumberRange},
		{"5 minutes ahead", fmt.Sprintf(`{"kind":"buy","user_id":"u1","ts":%d}`, ms+300_000), "PURCHASE of u1"},
		{"more than 5 minutes ahead", fmt.Sprintf(`{"kind":"buy","user_id":"u1","ts":%d}`, ms+300_001), "PURCHASE " + sql.Future},
		{"total is text", buy(`,"order":{"total":"x"}`), "PURCHASE " + sql.TypeMismatch},
		{"total is NaN as text", buy(`,"order":{"total":"NaN"}`), "PURCHASE " + sql.TypeMismatch},
		{"total is too large for its scale", buy(`,"order":{"total":92233720368547758.08}`), "PURCHASE " + sql.NumberRange},
		{"total is 1e400", buy(`,"order":{"total":1e400}`), "PURCHASE " + sql.NumberRange},
		{"no total", buy(``), "PURCHASE of u1"},
		{"a number without a type", buy(`,"order":{"qty":2.5}`), "PURCHASE of u1"},
		{"a number as text", buy(`,"order":{"qty":"2"}`), "PURCHASE " + sql.TypeMismatch},
		{"a number beyond the scale of the measure", buy(`,"order":{"qty":9223372036855}`), "PURCHASE " + sql.NumberRange},
		{"a condition on no number", buy(`,"order":{"qty":"many"}`), "PURCHASE " + sql.TypeMismatch},
		{"what the condition leaves out is not read", buy(`,"order":{"qty":"13"}`), "PURCHASE of u1"},
	} {
		d.Decode(record(test.value), &out)
		if got := summary(plan, &out); got != test.want {
			t.Errorf("%s: %s, want %s (%s)", test.name, got, test.want, out.Detail)
		}
		if out.Reason != "" && (len(out.Events) > 0 || out.Detail == "") {
			t.Errorf("%s: a rejected record has events %v or no detail", test.name, out.Events)
		}
		if subjects, decodable := d.Subjects(record(test.value)); decodable != (out.Reason == "") || len(subjects) > 0 != strings.Contains(test.want, " of ") {
			t.Errorf("%s: subjects %q, decodable %v", test.name, subjects, decodable)
		}
	}
	d.Decode(Record{Timestamp: now.UnixMicro()}, &out)
	if out.Reason != sql.Malformed || !strings.Contains(out.Detail, "tombstone") {
		t.Errorf("a tombstone: %s %s", out.Reason, out.Detail)
	}
}

func TestDecodePurchase(t *testing.T) {
	d, plan, dict := shopDecoder(t, "traffic", Options{})
	var out Outcome
	d.Decode(record(fmt.Sprintf(`{"kind":"buy","user_id":"u1","id":"e-1","ts":%d,"order":{"total":100.005,"item":"pen","qty":2.5},"category":"home"}`, now.UnixMilli())), &out)
	e := accepted(t, plan, &out, "PURCHASE")
	if string(e.Subject) != "u1" || string(e.ID) != "e-1" || e.Time != now.UnixMicro() || e.Input != 3 || e.Offset != 77 || e.Bound != now.UnixMicro()+5 {
		t.Errorf("event %+v", e)
	}
	for i, m := range plan.Events[e.Def].Measures {
		measure, got := plan.Measures[m], e.Values[i]
		want := int64(0)
		switch {
		case measure.Agg == catalog.Sum && measure.Where != nil:
			want = 2_500_000
		case measure.Agg == catalog.Sum:
			want = 10001
		case measure.Agg == catalog.CountDistinct:
			want = int64(sql.Value{Kind: sql.Varchar, Text: []byte("pen")}.Hash())
		}
		if !got.Counts || got.Value != want && measure.Agg != catalog.Count {
			t.Errorf("%s: %+v, want %d", measure.Agg, got, want)
		}
	}
	if len(e.Dimensions) != 1 || e.Dimensions[0] != dict["home"] || len(e.Exposures) != 0 {
		t.Errorf("dimensions %v exposures %v of %v", e.Dimensions, e.Exposures, dict)
	}
	content := e.Content
	// a smaller one: BIG does not count it; without an item and a category
	d.Decode(record(fmt.Sprintf(`{"kind":"buy","user_id":"u1","id":"","ts":%d,"order":{"total":99.994}}`, now.UnixMilli())), &out)
	e = accepted(t, plan, &out, "PURCHASE")
	for i, m := range plan.Events[e.Def].Measures {
		measure, got := plan.Measures[m], e.Values[i]
		counts := measure.Where == nil && measure.Agg != catalog.CountDistinct || measure.Presence
		if got.Counts != counts || measure.Agg == catalog.Sum && measure.Where == nil && got.Value != 9999 {
			t.Errorf("%s where %v: %+v", measure.Agg, measure.Where != nil, got)
		}
	}
	if e.ID != nil || e.Dimensions[0] != moment.None || e.Content == content {
		t.Errorf("id %q dimensions %v: an empty id is none, a missing category is None, other content has another hash", e.ID, e.Dimensions)
	}
}

func TestDecodeExposure(t *testing.T) {
	d, plan, dict := shopDecoder(t, "traffic", Options{})
	var out Outcome
	for _, test := range []struct {
		fields  string
		counts  bool
		variant string
		value   string
	}{
		{`"variant":"control","platform":"ios"`, true, "control", "ios"},
		{`"variant":"treatment","platform":"web"`, true, "treatment", "web"},
		{`"variant":"Treatment","platform":"web"`, true, "", "web"},
		{`"platform":"web"`, true, "", "web"},
		{`"variant":"control","platform":"bot"`, false, "control", "bot"},
		{`"variant":"control"`, false, "control", ""}, // NULL <> 'bot' is unknown
	} {
		d.Decode(record(fmt.Sprintf(`{"kind":"expose","user_id":"u1","ts":%d,%s}`, now.UnixMilli(), test.fields)), &out)
		e := accepted(t, plan, &out, "EXPOSURE")
		if len(e.Exposures) != 1 || len(e.Values) != 0 {
			t.Fatalf("%+v", e)
		}
		x, name := e.Exposures[0], ""
		if x.Variant >= 0 {
			name = plan.Experiments[plan.Events[e.Def].Exposures[0]].Variants[x.Variant].ID
		}
		id := moment.None
		if test.value != "" {
			id = dict[test.value]
		}
		if x.Counts != test.counts || name != test.variant || len(x.Dimensions) != 1 || x.Dimensions[0] != id {
			t.Errorf("%s: %+v %s", test.fields, x, name)
		}
	}
}

func TestDecodeProfile(t *testing.T) {
	d, plan, dict := shopDecoder(t, "people", Options{})
	var out Outcome
	d.Decode(record(`{"user_id":"u1","country":"KR"}`), &out)
	e := accepted(t, plan, &out, "PROFILE")
	if e.Time != math.MinInt64 || e.Bound != math.MinInt64 || len(e.Dimensions) != 1 || e.Dimensions[0] != dict["KR"] {
		t.Errorf("%+v", e)
	}
}

func accepted(t *testing.T, plan *catalog.Plan, out *Outcome, id string) *state.Event {
	t.Helper()
	for i := range out.Events {
		if o := &out.Events[i]; plan.Events[o.Def].ID == id && o.Verdict == Accepted {
			return &o.Event
		}
	}
	t.Fatalf("no %s: %s", id, summary(plan, out))
	return nil
}

// TestLongIDs: up to 64 bytes an id is itself, beyond that a name of its hash that no short id has.
func TestLongIDs(t *testing.T) {
	d, plan, _ := shopDecoder(t, "traffic", Options{})
	var out Outcome
	id := func(text string) string {
		d.Decode(record(fmt.Sprintf(`{"kind":"buy","user_id":"u1","id":"%s","ts":%d}`, text, now.UnixMilli())), &out)
		return string(accepted(t, plan, &out, "PURCHASE").ID)
	}
	short, long := strings.Repeat("x", 64), strings.Repeat("x", 65)
	sum := sha256.Sum256([]byte(long))
	if id(short) != short {
		t.Error("64 bytes are changed")
	}
	if got := id(long); !strings.HasSuffix(got, hex.EncodeToString(sum[:16])) || len(got) <= 64 || got == id(long+"x") {
		t.Errorf("65 bytes become %q", got)
	}
}

// TestOwns: an event of another shard's subject reaches neither the dictionary nor the ledger of this one.
func TestOwns(t *testing.T) {
	d, plan, dict := shopDecoder(t, "traffic", Options{Owns: func(s []byte) bool { return string(s) == "mine" }})
	var out Outcome
	for subject, want := range map[string]string{"mine": "PURCHASE of mine", "theirs": "PURCHASE of theirs elsewhere"} {
		d.Decode(record(fmt.Sprintf(`{"kind":"buy","user_id":"%s","ts":%d,"category":"%s"}`, subject, now.UnixMilli(), subject)), &out)
		if got := summary(plan, &out); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if len(dict) != 1 || dict["mine"] == 0 {
		t.Errorf("dictionary %v", dict)
	}
}

// TestFiles: a file has no timestamps, so that nothing in it is in the future or late.
func TestFiles(t *testing.T) {
	plan := catalogtest.Plan(t, `
source: {id: sales, files: [sales.csv], format: csv}
---
event:
  id: SALE
  sql: SELECT "Customer ID" AS user_id, CAST(Quantity AS BIGINT) * CAST(Price AS DECIMAL(12,3)) AS revenue, Country, CAST(InvoiceDate AS TIMESTAMP) AS event_time FROM sales WHERE Invoice NOT LIKE 'C%'
---
event:
  id: EXPOSURE
  sql: SELECT "Customer ID" AS user_id, IF(Country = 'Spain', 'b', 'a') AS variant, CAST(InvoiceDate AS TIMESTAMP) AS event_time FROM sales
---
metric: {metric_id: ARPU, type: CONTINUOUS, subject: user_id, direction: up, numerator: {event: SALE, agg: SUM, value: revenue}}
---
experiment: {id: x, subject: user_id, exposure: {event: EXPOSURE, variant: variant}, variants: {a: 1, b: 1}, control: a, start: 2009-01-01T00:00:00Z, end: 2030-01-01T00:00:00Z, goals: [ARPU]}
`)
	d, err := New(plan, 0, words{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out Outcome
	d.Decode(Record{Value: []byte("1,2")}, &out)
	if out.Reason != sql.Malformed {
		t.Errorf("a row before its header: %q", out.Reason)
	}
	if err := d.Header([]byte("Invoice,Quantity,InvoiceDate,Price,Customer ID")); err == nil || !strings.Contains(err.Error(), `"Country"`) {
		t.Errorf("a header without Country: %v", err)
	}
	if err := d.Header([]byte("Invoice,Description,Quantity,InvoiceDate,Price,Customer ID,Country")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ row, want string }{
		{`489434,"TEA, ""FOR ONE""",12,2029-12-01 07:45:00,6.955,13085,United Kingdom`, "EXPOSURE of 13085, SALE of 13085"},
		{`C489434,X,-12,2009-12-01 07:45:00,6.955,13085,Spain`, "EXPOSURE of 13085"},
		{`489434,X,12,2009-12-01 07:45:00,6.955,,Spain`, "EXPOSURE missing_subject, SALE missing_subject"},
		{`489434,X,a dozen,2009-12-01 07:45:00,6.955,13085,Spain`, "EXPOSURE of 13085, SALE type_mismatch"},
		{`489434,X,12,2009-12-01 07:45:00,6.955,13085`, sql.Malformed},
		{`489434,X"Y,12,2009-12-01 07:45:00,6.955,13085,Spain`, sql.Malformed},
		{"489434,X,12,2009-12-01 07:45:00,6.955,13085,Espa\xf1a", sql.WrongEncoding},
	} {
		d.Decode(Record{Value: []byte(test.row), Bound: 9}, &out)
		if got := summary(plan, &out); got != test.want {
			t.Errorf("%s: %s, want %s (%s)", test.row, got, test.want, out.Detail)
		}
		for i := range out.Events {
			if o := &out.Events[i]; o.Verdict == Accepted && o.Event.Bound != math.MinInt64 {
				t.Errorf("%s: bound %d", test.row, o.Event.Bound)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	plan := catalogtest.Plan(t, shop)
	if _, err := New(plan, len(plan.Sources), words{}, Options{}); err == nil {
		t.Error("a source that is not there is taken")
	}
	broken := *plan.Sources[0]
	broken.Format = catalog.CSV
	plan.Sources[0] = &broken
	if _, err := New(plan, 0, words{}, Options{}); err == nil || !strings.Contains(err.Error(), "header") {
		t.Errorf("CSV from Kafka: %v", err)
	}
	d, _, _ := shopDecoder(t, "traffic", Options{})
	if err := d.Header([]byte("a,b")); err == nil {
		t.Error("JSON has no header")
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	d, plan, _ := shopDecoder(t, "traffic", Options{})
	buy := record(fmt.Sprintf(`{"kind":"buy","user_id":42,"id":"e-1","ts":%d,"order":{"total":100.005,"item":"pe\u006e"},"category":"home"}`, now.UnixMilli()))
	expose := record(fmt.Sprintf(`{"kind":"expose","user_id":"u1","ts":%d,"variant":"control","platform":"ios"}`, now.UnixMilli()))
	var out Outcome
	run := func() {
		d.Decode(buy, &out)
		d.Decode(expose, &out)
		d.Subjects(buy)
	}
	for range 1000 {
		run() // until the records' layouts are learnt
	}
	accepted(t, plan, &out, "EXPOSURE")
	if n := testing.AllocsPerRun(100, run); n > 0 {
		t.Errorf("%v allocations for three records", n)
	}
}

// FuzzDecode: no record crashes the decoder, and Subjects agrees with Decode.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"kind":"buy","user_id":"u1","id":"e","ts":1767225600000,"order":{"total":1.5,"item":"x"}}`))
	f.Add([]byte(`{"kind":"expose","user_id":1,"ts":"x","variant":null,"platform":{}}`))
	d, plan, _ := shopDecoder(f, "traffic", Options{})
	f.Fuzz(func(t *testing.T, value []byte) {
		rec := record(string(value))
		var out Outcome
		d.Decode(rec, &out)
		var want []string
		for i := range out.Events {
			o := &out.Events[i]
			if (o.Verdict == Rejected) != (o.Reason != "") {
				t.Fatalf("%q: verdict %d reason %q", value, o.Verdict, o.Reason)
			}
			if o.Verdict == Accepted && len(o.Event.Values) != len(plan.Events[o.Def].Measures) {
				t.Fatalf("%q: %+v", value, o.Event)
			}
			if s := string(o.Event.Subject); o.Verdict == Accepted && !strings.Contains(strings.Join(want, "\x00"), s) {
				want = append(want, s)
			}
		}
		subjects, decodable := d.Subjects(rec)
		if decodable != (out.Reason == "") || fmt.Sprintf("%s", subjects) != fmt.Sprintf("%s", want) {
			t.Fatalf("%q: subjects %q, events have %q", value, subjects, want)
		}
	})
}
