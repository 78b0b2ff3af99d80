package stream

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/stream/results"
)

// dayLog is a log of subjects exposed within three days, who order over three weeks: by event time, in seconds.
type dayLog struct {
	exposed   map[string]int64
	variant   map[string]string
	orders    map[string]map[int64]int64 // by subject and time: cents
	exposures []string
	purchases []string
	latest    int64
}

func newDayLog(seed uint64, subjects int) *dayLog {
	rng := rand.New(rand.NewPCG(seed, 3))
	l := &dayLog{exposed: map[string]int64{}, variant: map[string]string{}, orders: map[string]map[int64]int64{}}
	for i := range subjects {
		user := fmt.Sprintf("u%d", i)
		l.exposed[user] = shopStart + rng.Int64N(3*86400)
		l.variant[user] = []string{"control", "treatment"}[i%2]
		l.orders[user] = map[int64]int64{}
		l.exposures = append(l.exposures, fmt.Sprintf(`{"user_id":%q,"variant":%q,"platform":"ios","ts":%d}`, user, l.variant[user], l.exposed[user]))
		for range 10 {
			at, cents := shopStart+rng.Int64N(21*86400), rng.Int64N(10_000)
			l.orders[user][at] += cents
			l.latest = max(l.latest, at)
			l.purchases = append(l.purchases, fmt.Sprintf(`{"user_id":%q,"order_id":"o%d","total":%d.%02d,"ts":%d}`, user, len(l.purchases), cents/100, cents%100, at))
		}
	}
	return l
}

// day is the number of subjects of a variant for whom day k is over at a time, and what they spent on it, in cents.
func (l *dayLog) day(variant string, k, until int64) (n, sum int64) {
	for user, t0 := range l.exposed {
		from := t0 - t0%86400 + k*86400
		if l.variant[user] != variant || from+86400 > until {
			continue
		}
		n++
		for at, cents := range l.orders[user] {
			if at >= max(t0, from) && at < from+86400 {
				sum += cents
			}
		}
	}
	return n, sum
}

func (l *dayLog) check(t *testing.T, d *results.Days, until int64) {
	t.Helper()
	if d.Subjects != int64(len(l.exposed)) || d.Sampled {
		t.Errorf("%d subjects (sampled: %v), want %d", d.Subjects, d.Sampled, len(l.exposed))
	}
	for _, m := range d.Metrics {
		if m.Metric != "ARPU" {
			continue
		}
		if len(m.Days) != results.DaysShown || len(m.Drift) != len(results.DriftWindows) {
			t.Fatalf("%d days and %d windows", len(m.Days), len(m.Drift))
		}
		for k, day := range m.Days {
			for variant, arm := range day.ByVariant {
				n, sum := l.day(variant, int64(k), until)
				if want := float64(sum) / 100 / float64(n); arm.N != n || *arm.Value < want-1e-9 || *arm.Value > want+1e-9 {
					t.Errorf("day %d of %s: n %d, value %v; want %d, %v", k, variant, arm.N, *arm.Value, n, want)
				}
			}
		}
		return
	}
	t.Error("no days of ARPU")
}

func TestDaysOfFiles(t *testing.T) {
	l, dir := newDayLog(1, 200), t.TempDir()
	writeLines(t, dir+"/x.ndjson", l.exposures)
	writeLines(t, dir+"/o.ndjson", l.purchases)
	set := shopSet(t, "files: [none.ndjson]", "files: [none.ndjson]")
	files := map[string][]string{"exposures": {dir + "/x.ndjson"}, "orders": {dir + "/o.ndjson"}}
	r := start(t, set, Options{Files: files, Dir: "data", FS: vfs.NewMem(), Shards: 3, KeepOpen: true, DiskLow: -1, Logger: quietLog(), CacheBytes: 8 << 20})
	r.until("the files are read", func(s Status) bool { return s.Ready })
	d, err := r.Days(context.Background(), "landing")
	if err != nil {
		t.Fatal(err)
	}
	l.check(t, d, l.latest)
	r.stop()
	if _, err := r.Days(context.Background(), "nothing"); err == nil {
		t.Error("days of an experiment that there is none of")
	}
}

// produceInTime sends each line when it happened.
func (w *world) produceInTime(topic string, lines []string) {
	w.t.Helper()
	at := func(line string) (ts int64) {
		_, rest, _ := strings.Cut(line, `"ts":`)
		fmt.Sscan(strings.TrimSuffix(rest, "}"), &ts)
		return ts
	}
	lines = slices.Clone(lines)
	slices.SortFunc(lines, func(a, b string) int { return cmp.Compare(at(a), at(b)) })
	var rs []*kgo.Record
	for _, line := range lines {
		rs = append(rs, &kgo.Record{Topic: topic, Key: []byte(userOf(line)), Value: []byte(line), Timestamp: time.Unix(at(line), 0)})
	}
	if err := w.client.ProduceSync(context.Background(), rs...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// In the background a running engine looks by itself, and what it saw outlives it.
func TestDaysOfARunningEngine(t *testing.T) {
	l := newDayLog(2, 120)
	inWorld(t, 1, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		fs := vfs.NewMem()
		o := w.options(fs)
		o.DaysEvery = time.Minute
		r := start(t, directShop(t), o)
		w.produceInTime("exposures", l.exposures)
		w.produceInTime("orders", l.purchases)
		r.read("exposures", int64(len(l.exposures)))
		r.read("orders", int64(len(l.purchases)))
		time.Sleep(3 * time.Minute) // virtual
		d := r.days.of("landing")
		if d == nil {
			t.Fatal("no look in three minutes")
		}
		l.check(t, d, l.latest-3600-300) // the lateness of orders, and what brokers' clocks may differ
		r.stop()
		o.DaysEvery = time.Hour
		again := start(t, directShop(t), o)
		again.read("orders", int64(len(l.purchases)))
		kept, err := again.Days(context.Background(), "landing")
		if err != nil || !kept.AsOf.Equal(d.AsOf) {
			t.Errorf("after a restart the look is of %v, want %v (%v)", kept.AsOf, d.AsOf, err)
		}
		again.stop()
	})
}
