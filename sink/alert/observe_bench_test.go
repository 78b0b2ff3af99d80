package alert

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// BenchmarkObserve is what one published result costs that changes no state: the common case.
func BenchmarkObserve(b *testing.B) {
	for _, rows := range []int{10, 1000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			m := open(b, definitions(scriptRules()...), options(vfs.NewMem(), map[string]*rec{}))
			defer m.Close()
			o := outcome{experiment: "one", subjects: 1000, positions: map[string]int64{"events/0": 0}, words: map[string]string{"CRASHES": "crossed", "CTR": "worse"}}
			r := o.result()
			slice := r.Rows[0]
			for len(r.Rows) < rows {
				r.Rows = append(r.Rows, slice)
			}
			b.ReportAllocs()
			for i := range b.N {
				next := *r
				next.Positions = map[string]int64{"events/0": int64(i)}
				next.AsOf = start.Add(time.Duration(i) * time.Millisecond)
				if err := m.Observe(&next); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
