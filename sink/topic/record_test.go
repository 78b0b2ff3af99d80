package topic

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/sink/page/sample"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stream/results"
)

// messages returns the records of a result: its rows in their order, then the header. The header comes last, so that who
// reads in order and sees its instant has all rows of it (in a topic of one partition). It is the plain way of encoder.
func messages(r *results.Result) ([]message, error) {
	out := make([]message, 0, len(r.Rows)+1)
	for i := range r.Rows {
		row := &r.Rows[i]
		m, err := newMessage(r.Experiment+"/"+row.Key(), row, published(r, row))
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	m, err := header(r)
	if err != nil {
		return nil, err
	}
	return append(out, m), nil
}

// What an encoder sends is what the plain way would: every record that the topic does not hold as it is, and a tombstone for
// what is gone, whatever the topic holds meanwhile.
func TestEncoderSendsWhatThePlainWayDoes(t *testing.T) {
	const seed = 5
	rng := rand.New(rand.NewPCG(seed, 1))
	plans, err := sample.New(1).Set().Plans()
	if err != nil {
		t.Fatal(err)
	}
	plan := plans[0]
	for x := range plan.Experiments {
		c, e, r := cube.New(plan), results.NewEvaluator(plan, x), rand.New(rand.NewPCG(seed, uint64(x)))
		var of encoder
		held, skipped := map[string][sha256.Size]byte{}, 0
		var puts []moment.Change
		for step := range 60 {
			for range rng.IntN(4) {
				ch := moment.Change{Experiment: x, Variant: r.IntN(len(plan.Experiments[x].Variants)), Metric: r.IntN(len(plan.Experiments[x].Metrics)+1) - 1}
				for d := range plan.Experiments[x].Dimensions {
					ch.Slice[d] = moment.FirstValue + uint32(r.IntN(4))
				}
				ch.New = moment.Point{In: true, Num: r.Int64N(1000), Den: 1}
				puts = append(puts, ch)
				c.Change(ch)
			}
			if len(puts) > 0 && rng.IntN(3) == 0 { // slices go, too
				last := puts[len(puts)-1]
				puts = puts[:len(puts)-1]
				last.Old, last.New = last.New, moment.Point{}
				c.Change(last)
			}
			result := e.Evaluate(c.Snapshot(x, func(id uint32) string { return fmt.Sprint("v/", id) }), results.Inputs{AsOf: sample.Now.Add(time.Duration(step) * time.Second)}, results.Slices{})
			switch rng.IntN(10) {
			case 0: // the topic was read again, or deleted
				held = maps.Clone(held)
			case 1:
				held = map[string][sha256.Size]byte{}
			case 2:
				for k := range held {
					if held[k] = sha256.Sum256([]byte(k)); rng.IntN(2) == 0 {
						delete(held, k)
					}
				}
			case 3:
				held["what/was/before"] = [sha256.Size]byte{}
			}
			all, err := messages(result)
			if err != nil {
				t.Fatal(err)
			}
			var want []message
			left := maps.Clone(held)
			for _, m := range all {
				if d, ok := held[m.key]; !ok || d != m.digest {
					want = append(want, m)
				} else {
					skipped++
				}
				delete(left, m.key)
			}
			send, gone, err := of.changed(result, held)
			if err != nil {
				t.Fatal(err)
			}
			if wantGone := slices.Sorted(maps.Keys(left)); !slices.Equal(gone, wantGone) {
				t.Fatalf("seed %d, experiment %d, step %d: gone %q, want %q", seed, x, step, gone, wantGone)
			}
			if !slices.EqualFunc(send, want, func(a, b message) bool {
				return a.key == b.key && string(a.value) == string(b.value) && a.digest == b.digest
			}) {
				t.Fatalf("seed %d, experiment %d, step %d: %d records, want %d, or others", seed, x, step, len(send), len(want))
			}
			for _, key := range gone {
				delete(held, key)
			}
			for _, m := range send {
				if rng.IntN(20) > 0 { // some are not acknowledged
					held[m.key] = m.digest
				}
			}
		}
		if skipped == 0 {
			t.Errorf("experiment %d: no row ever stood still, so nothing was tested", x)
		}
	}
}

// The row's own alpha gives way to the experiment's in the topic, and is in the digest.
func TestEncoderKeepsTheExperimentsAlpha(t *testing.T) {
	r := small(1, map[string]float64{"m": 1, "n": 2})
	r.Alpha, r.Rows[0].Alpha = 0.05, 0.025
	want, err := messages(r)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := new(encoder).changed(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i].key != want[i].key || string(got[i].value) != string(want[i].value) || got[i].digest != want[i].digest {
			t.Errorf("%s\n%s, want\n%s", got[i].key, got[i].value, want[i].value)
		}
	}
	var value struct{ Alpha float64 }
	if err := json.Unmarshal(got[0].value, &value); err != nil || value.Alpha != 0.05 {
		t.Errorf("alpha %v %v", value.Alpha, err)
	}
}
