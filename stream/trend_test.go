package stream

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/stream/results"
)

// produceAt sends lines to a topic, keyed by user, as if they came at an instant.
func (w *world) produceAt(topic string, at time.Time, lines []string) {
	w.t.Helper()
	var rs []*kgo.Record
	for _, line := range lines {
		rs = append(rs, &kgo.Record{Topic: topic, Key: []byte(userOf(line)), Value: []byte(line), Timestamp: at})
	}
	if err := w.client.ProduceSync(context.Background(), rs...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// pointsFrom are the points from an hour on. The one before, of the first look of all, may have had anything.
func pointsFrom(trend *results.Trend, hour time.Time) []results.TrendPoint {
	return slices.DeleteFunc(slices.Clone(trend.Points), func(p results.TrendPoint) bool { return p.Time.Before(hour) })
}

// What the page said at an hour can be had again, and outlives a restart.
func TestTrendOfARunningEngine(t *testing.T) {
	exposures, purchases := shopLog(21, 300, 1500)
	inWorld(t, 1, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		fs := vfs.NewMem()
		r := start(t, directShop(t), w.options(fs))
		hour := time.Unix(shopStart, 0).Truncate(time.Hour).Add(time.Hour)
		var then []*results.Result
		half := len(purchases) / 2
		for i, part := range [][]string{purchases[:half], purchases[half:]} {
			bound := hour.Add(time.Duration(i) * time.Hour)
			if i == 0 {
				w.produceAt("exposures", bound.Add(-time.Minute), exposures)
			}
			w.produceAt("orders", bound.Add(-time.Minute), part)
			r.read("orders", int64([]int{half, len(purchases)}[i]))
			w.produceAt("exposures", bound.Add(time.Minute), exposures[:1]) // again: it only moves the clock
			r.until("the hour's look", func(Status) bool {
				trend, err := r.Trend(context.Background(), "landing", "ARPU", nil, "hour")
				return err == nil && len(pointsFrom(trend, hour)) == i+1
			})
			then = append(then, r.result())
		}
		check := func(what string, r *running) {
			t.Helper()
			for slice, values := range map[string]map[string]string{"all": {}, "platform=ios": {"platform": "ios"}} {
				trend, err := r.Trend(context.Background(), "landing", "ARPU", values, "hour")
				if err != nil {
					t.Fatal(err)
				}
				points := pointsFrom(trend, hour)
				if len(points) != 2 {
					t.Fatalf("%s, %s: %d points, want 2", what, slice, len(points))
				}
				for n, p := range points {
					for i := range then[n].Rows {
						want := &then[n].Rows[i]
						if want.Key() == "ARPU/"+slice+"/treatment" && !reflect.DeepEqual(p.Rows[0].ByVariant, want.ByVariant) {
							t.Errorf("%s: %s was %+v, the history has %+v", what, want.Key(), want.ByVariant, p.Rows[0].ByVariant)
						}
					}
					if at := hour.Add(time.Duration(n) * time.Hour); !p.Time.Equal(at) || !reflect.DeepEqual(p.Subjects, then[n].Subjects) {
						t.Errorf("%s: point %d is of %v with %v, want %v with %v", what, n, p.Time, p.Subjects, at, then[n].Subjects)
					}
				}
			}
		}
		check("while it runs", r)
		for _, c := range []struct {
			id, metric, by string
			slice          map[string]string
			want           error
		}{
			{"nothing", "ARPU", "hour", nil, ErrUnknownExperiment},
			{"landing", "NOTHING", "hour", nil, ErrNoTrend},
			{"landing", "ARPU", "week", nil, ErrNoTrend},
			{"landing", "ARPU", "hour", map[string]string{"colour": "red"}, ErrNoTrend},
		} {
			if _, err := r.Trend(context.Background(), c.id, c.metric, c.slice, c.by); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		r.stop()
		if _, err := r.Trend(context.Background(), "landing", "ARPU", nil, "hour"); !errors.Is(err, ErrStopped) {
			t.Errorf("after the end: %v", err)
		}
		again := start(t, directShop(t), w.options(fs))
		again.read("orders", int64(len(purchases)))
		check("after a restart", again)
		again.stop()
	})
}
