package state

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// drawQuantiles makes a fifth of the metrics quantiles of the events of one definition.
func (w *workload) drawQuantiles(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 29))
	p := w.plan
	for x := range p.Experiments {
		for i := range p.Experiments[x].Metrics {
			m := &p.Experiments[x].Metrics[i]
			if w.settled || r.IntN(5) > 0 {
				continue
			}
			for k, d := range p.Experiments[x].Dimensions {
				if d.Kind == catalog.EventDimension {
					m.Dimensions &^= 1 << k
				}
			}
			d := 1 + r.IntN(2)
			m.Numerator, m.Denominator, m.Ordered, m.Clip, m.Presence, m.Quantile = len(p.Measures), -1, false, nil, nil, 0.5
			p.Measures = append(p.Measures, catalog.Measure{Event: d, Agg: catalog.Quantile})
			p.Events[d].Measures = append(p.Events[d].Measures, m.Numerator)
		}
	}
}

// quantilePoint is what a subject's events are to a quantile metric: how many, and how many in bins up to the cut's.
func quantilePoint(m *catalog.PlanMetric, values []int64) moment.Point {
	p := moment.Point{In: true, Den: int64(len(values))}
	for _, v := range values {
		if m.Clip != nil && sketch.IndexOf(v) <= sketch.IndexOf(m.Clip.Upper) {
			p.Num++
		}
	}
	return p
}

// testBins are the distributions of the events of cells.
type testBins map[oracleKey]map[int32]int64

func (b testBins) add(key oracleKey, bins []moment.Bin) {
	for _, x := range bins {
		if b[key] == nil {
			b[key] = map[int32]int64{}
		}
		if b[key][x.Index] += x.Count; b[key][x.Index] == 0 {
			delete(b[key], x.Index)
		}
		if len(b[key]) == 0 {
			delete(b, key)
		}
	}
}

func (b testBins) addValues(key oracleKey, values []int64) {
	for _, v := range values {
		b.add(key, []moment.Bin{{Index: sketch.IndexOf(v), Count: 1}})
	}
}

// difference says where two cubes' distributions differ; empty if nowhere.
func (b testBins) difference(got testBins) string {
	for key := range got {
		if b[key] == nil {
			return fmt.Sprintf("cell %+v has bins %v, want none", key, got[key])
		}
	}
	for key := range b {
		if !maps.Equal(b[key], got[key]) {
			return fmt.Sprintf("cell %+v has bins %v, want %v", key, got[key], b[key])
		}
	}
	return ""
}

type changes []moment.Change

func (c *changes) Change(ch moment.Change) { *c = append(*c, ch) }

// TestEmitTellsOfOtherEventsInEqualNumber: a subject may count as many events as before, and as many up to the cut, and they
// are others: an earlier exposure brought one in, a window's end left one out.
func TestEmitTellsOfOtherEventsInEqualNumber(t *testing.T) {
	p := moment.Point{In: true, Num: 1, Den: 3}
	before := []cell{{point: p, bins: []moment.Bin{{Index: 1, Count: 1}, {Index: 5, Count: 2}}}}
	after := []cell{{point: p, bins: []moment.Bin{{Index: 1, Count: 1}, {Index: 5, Count: 1}, {Index: 9, Count: 1}}}}
	var got changes
	emit(0, before, after, &got)
	if len(got) != 1 || !slices.Equal(got[0].Bins, []moment.Bin{{Index: 5, Count: -1}, {Index: 9, Count: 1}}) || got[0].Old != got[0].New {
		t.Errorf("changes %+v", got)
	}
	got = nil
	if emit(0, before, before, &got); len(got) != 0 {
		t.Errorf("without a change: %+v", got)
	}
	emit(0, before, nil, &got)
	emit(0, nil, before, &got)
	if len(got) != 2 || !slices.Equal(binChange(nil, nil, nil), nil) || got[0].Bins[1] != (moment.Bin{Index: 5, Count: -2}) || got[1].Bins[1] != (moment.Bin{Index: 5, Count: 2}) {
		t.Errorf("out and in again: %+v", got)
	}
}
