package stream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/stream/results"
)

// rampedShop is the shop with a ramp: its steps are seconds after shopStart and the treatment's share in percent.
func rampedShop(t *testing.T, first int, steps ...[2]int) *catalog.Set {
	t.Helper()
	text := fmt.Sprintf(shopYAML, fmt.Sprintf(directSources, "exposures"), fmt.Sprintf(directSources, "orders"))
	ramp := fmt.Sprintf("variants: {control: %d, treatment: %d}\n", 100-first, first)
	for i, s := range steps {
		if i == 0 {
			ramp += "  ramp:\n"
		}
		ramp += fmt.Sprintf("    - {from: %s, weights: {control: %d, treatment: %d}}\n", time.Unix(shopStart+int64(s[0]), 0).UTC().Format(time.RFC3339), 100-s[1], s[1])
	}
	return catalogtest.Parse(t, strings.Replace(text, "variants: {control: 1, treatment: 1}\n", ramp, 1))
}

// rampLog is exposures over ten minutes, with treatment's share in percent that of the minute; and each subject's event again
// later, some to come before their first one.
func rampLog(seed uint64, n int, share func(second int) int) (lines []string) {
	rng := rand.New(rand.NewPCG(seed, 3))
	for i := range n {
		second := i * 600 / n
		v := "control"
		if rng.IntN(100) < share(second) {
			v = "treatment"
		}
		line := func(at int) string {
			return fmt.Sprintf(`{"user_id":"u%d","variant":%q,"platform":"web","ts":%d}`, i, v, shopStart+at)
		}
		if rng.IntN(10) == 0 {
			lines = append(lines, line(second+rng.IntN(300))) // the later one arrives first, and belongs to another epoch
		}
		lines = append(lines, line(second))
	}
	return lines
}

func splitOf(t *testing.T, r *results.Result) string {
	t.Helper()
	text := fmt.Sprintf("%s %v", r.SRM.State, r.Subjects)
	for _, e := range r.SRM.Epochs {
		text += fmt.Sprintf("; from +%d %v", e.From.Unix()-shopStart, e.Subjects)
	}
	return text
}

// A ramp as it was done passes, and one that was not fails though the whole is as planned. Steps are added to, moved in and taken
// out of an experiment that runs, without a rebuild: the counts are then those that were there from the start.
func TestRampThroughTheEngine(t *testing.T) {
	log := rampLog(1, 4000, func(s int) int {
		switch {
		case s < 200:
			return 5
		case s < 400:
			return 20
		}
		return 50
	})
	inWorld(t, 3, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		w.produce("exposures", true, log)
		fs := vfs.NewMem()
		look := func(fs vfs.FS, set *catalog.Set) *results.Result {
			r := start(t, set, w.options(fs))
			r.until("ready", func(s Status) bool { return s.Ready })
			r.read("exposures", int64(len(log)))
			out := r.result()
			r.stop()
			return out
		}
		for i, set := range []*catalog.Set{
			rampedShop(t, 5),
			rampedShop(t, 5, [2]int{4000, 20}), // to come
			rampedShop(t, 5, [2]int{200, 20}, [2]int{400, 50}),
			rampedShop(t, 5, [2]int{200, 20}, [2]int{300, 50}),
			rampedShop(t, 5, [2]int{200, 20}, [2]int{400, 50}, [2]int{4000, 80}),
			rampedShop(t, 5, [2]int{200, 20}, [2]int{400, 50}),
		} {
			got, must := look(fs, set), look(vfs.NewMem(), set)
			if splitOf(t, got) != splitOf(t, must) {
				t.Errorf("step %d: on the old state %s, from the log %s", i, splitOf(t, got), splitOf(t, must))
			}
			if want := map[bool]string{true: "ok", false: "failed"}[i == 2 || i == 4 || i == 5]; got.SRM.State != want {
				t.Errorf("step %d: %s, want %s", i, splitOf(t, got), want)
			}
			if n := len(set.Experiments[0].Ramp); n > 0 && len(got.SRM.Epochs) != n+1 {
				t.Errorf("step %d: %d epochs of %d steps", i, len(got.SRM.Epochs), n)
			}
		}
	})
	// Six parts in ten, then four: each off, and half of all.
	hidden := rampLog(2, 4000, func(s int) int { return map[bool]int{true: 60, false: 40}[s < 300] })
	inWorld(t, 2, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		w.produce("exposures", true, hidden)
		for _, c := range []struct {
			set  *catalog.Set
			want string
		}{{rampedShop(t, 50), "ok"}, {rampedShop(t, 50, [2]int{300, 50}), "failed"}} {
			r := start(t, c.set, w.options(vfs.NewMem()))
			r.read("exposures", int64(len(hidden)))
			if got := r.result(); got.SRM.State != c.want {
				t.Errorf("%s, want %s", splitOf(t, got), c.want)
			}
			r.stop()
		}
	})
}
