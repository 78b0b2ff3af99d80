package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream/results"
)

// robustShop is the shop with something said about ARPU; of agg: P90 it becomes a quantile.
func robustShop(t testing.TB, sources [2]string, arpu string) *catalog.Set {
	t.Helper()
	text := fmt.Sprintf(shopYAML, sources[0], sources[1])
	said := arpu + ", numerator: {event: PURCHASE, agg: SUM, value: revenue}"
	if strings.HasPrefix(arpu, "agg: ") {
		said = "numerator: {event: PURCHASE, " + arpu + ", value: revenue}"
	}
	changed := strings.Replace(text, "numerator: {event: PURCHASE, agg: SUM, value: revenue}", said, 1)
	if changed == text {
		t.Fatal("the shop has no ARPU")
	}
	return catalogtest.Parse(t, changed)
}

var noFiles = [2]string{"files: [none.ndjson]", "files: [none.ndjson]"}

// analyzeLog analyses a log with definitions and facts.
func analyzeLog(t testing.TB, set *catalog.Set, exposures, purchases []string, facts map[string]map[string]results.Tuning) *results.Result {
	t.Helper()
	dir := t.TempDir()
	x, o := filepath.Join(dir, "x.ndjson"), filepath.Join(dir, "o.ndjson")
	writeLines(t, x, exposures)
	writeLines(t, o, purchases)
	for id, file := range map[string]string{"exposures": x, "orders": o} {
		if err := set.UseFiles(id, []string{file}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := Analyze(context.Background(), set, AnalyzeOptions{Slices: results.Slices{Mode: results.AllSlices},
		Options: Options{Shards: 3, Logger: quietLog(), Facts: facts, Files: map[string][]string{"exposures": {x}, "orders": {o}}}})
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

// totalsOf adds up each subject's revenue in cents as the definitions say: subjects of one variant, distinct orders from the
// first exposure on.
func totalsOf(t testing.TB, exposures, purchases []string) []int64 {
	t.Helper()
	type exposure struct {
		variant string
		ts      int64
		crossed bool
	}
	first := map[string]exposure{}
	for _, line := range exposures {
		var e struct {
			User    string `json:"user_id"`
			Variant string
			TS      int64
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		have, ok := first[e.User]
		switch {
		case !ok:
			have = exposure{e.Variant, e.TS, false}
		default:
			have.crossed = have.crossed || have.variant != e.Variant
			have.ts = min(have.ts, e.TS)
		}
		first[e.User] = have
	}
	totals, seen := map[string]int64{}, map[string]bool{}
	for _, line := range purchases {
		var p struct {
			User  string `json:"user_id"`
			Order string `json:"order_id"`
			Total json.Number
			TS    int64
		}
		if json.Unmarshal([]byte(line), &p) != nil || seen[p.User+p.Order] || p.TS < first[p.User].ts || p.Total == "" {
			continue
		}
		seen[p.User+p.Order] = true
		total, err := p.Total.Float64()
		if err != nil {
			t.Fatal(err)
		}
		totals[p.User] += int64(math.Round(100 * total))
	}
	var all []int64
	for user, e := range first {
		if !e.crossed {
			all = append(all, totals[user])
		}
	}
	slices.Sort(all)
	return all
}

func arpu(t testing.TB, r *results.Result) *results.Row {
	t.Helper()
	for i := range r.Rows {
		if r.Rows[i].Metric == "ARPU" && len(r.Rows[i].Slice) == 0 {
			return &r.Rows[i]
		}
	}
	t.Fatal("no row of ARPU")
	return nil
}

// TestAnalyzeWinsorizesAtThePooledPercentiles: without facts the data's own percentiles of the totals of both variants
// together, to the width of a sketch's bin; clipping at them is the same as a cap there, in every cell.
func TestAnalyzeWinsorizesAtThePooledPercentiles(t *testing.T) {
	exposures, purchases := shopLog(3, 1500, 9000)
	purchases = slices.DeleteFunc(purchases, func(line string) bool {
		return !json.Valid([]byte(line)) || strings.Contains(line, "many") || strings.Contains(line, "-")
	})
	totals := totalsOf(t, exposures, purchases)
	r := analyzeLog(t, robustShop(t, noFiles, "winsorize: {upper: 0.95, lower: 0.1}"), exposures, purchases, nil)
	row := arpu(t, r)
	if row.Clip == nil || row.Clip.Set != nil || *row.Clip.UpperPercentile != 0.95 || *row.Clip.LowerPercentile != 0.1 {
		t.Fatalf("clip %+v, want one of the data's own percentiles, without a date", row.Clip)
	}
	if n := row.ByVariant["control"].N + row.ByVariant["treatment"].N; n != int64(len(totals)) {
		t.Fatalf("%d subjects, the test counts %d", n, len(totals))
	}
	for _, c := range []struct {
		name string
		got  *float64
		p    float64
	}{{"upper", row.Clip.Upper, 0.95}, {"lower", row.Clip.Lower, 0.1}} {
		want := float64(totals[int(c.p*float64(len(totals))+0.999999)-1]) / 100
		if c.got == nil || *c.got < want*(1-1./256)-0.005 || *c.got > want*(1+1./256)+0.005 {
			t.Errorf("%s bound %v, want %.2f within 1/256", c.name, *c.got, want)
		}
	}
	if !slices.Contains(row.Reasons, results.ReasonOwnTuning) || slices.Contains(row.Reasons, results.ReasonNotFrozen) || row.State == "collecting" {
		t.Errorf("state %s, reasons %q", row.State, row.Reasons)
	}
	var table strings.Builder
	if err := results.Table(&table, []*results.Result{r}, 0); err != nil || !strings.Contains(table.String(), "* ARPU: totals are clipped at percentiles of this data, frozen at its end") {
		t.Errorf("%v, the table is\n%s", err, table.String())
	}
	fact := r.Tuning["ARPU"]
	capped := analyzeLog(t, robustShop(t, noFiles, fmt.Sprintf("cap: {upper: %s, lower: %s}", fact.Upper, fact.Lower)), exposures, purchases, nil)
	if got, want := cellsOf(r), cellsOf(capped); got != want {
		t.Errorf("clipped at the percentiles\n%s\ncapped there\n%s", got, want)
	}
	plain := analyzeLog(t, shopSet(t, noFiles[0], noFiles[1]), exposures, purchases, nil)
	if cellsOf(plain) == cellsOf(r) {
		t.Error("clipping at the 95th percentile changes nothing")
	}
}

// TestAnalyzeDoesNotMakeAllSubjectsEqual: where the percentile is 0, like all but a few totals, clipping there would leave
// nothing of the metric; without the zeros it does what was meant.
func TestAnalyzeDoesNotMakeAllSubjectsEqual(t *testing.T) {
	exposures, purchases := shopLog(4, 1500, 80)
	row := arpu(t, analyzeLog(t, robustShop(t, noFiles, "winsorize: {upper: 0.9}"), exposures, purchases, nil))
	if row.State != "collecting" || !slices.Contains(row.Reasons, results.ReasonNotFrozen) || row.Clip.Upper != nil {
		t.Errorf("state %s, reasons %q, clip %+v", row.State, row.Reasons, row.Clip)
	}
	row = arpu(t, analyzeLog(t, robustShop(t, noFiles, "winsorize: {upper: 0.9, zeros: exclude}"), exposures, purchases, nil))
	if slices.Contains(row.Reasons, results.ReasonNotFrozen) || row.Clip.Upper == nil || *row.Clip.Upper <= 0 {
		t.Errorf("without zeros: state %s, reasons %q, clip %+v", row.State, row.Reasons, row.Clip)
	}
}

// verifyShards checks that the cells, pools and bins of the shards on disk follow from their subjects.
func verifyShards(t *testing.T, fs vfs.FS, set *catalog.Set) {
	t.Helper()
	plans, err := set.Plans()
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := Stores(fs, "data", plans[0])
	if err != nil || len(dirs) == 0 {
		t.Fatalf("%d shards, %v", len(dirs), err)
	}
	for _, dir := range dirs {
		store, err := state.Open(dir, plans[0], state.Options{FS: fs, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		kept := cube.New(plans[0])
		err = kept.Load(store.Reader())
		for _, f := range store.Frozen() {
			kept.Freeze(f.Experiment, f.Metric)
		}
		computed := kept.Twin()
		err = errors.Join(err, store.Verify(context.Background(), computed.Change), kept.Compare(computed, store.Name), store.Close())
		if err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		if len(store.Frozen()) == 0 {
			t.Errorf("%s has nothing frozen", dir)
		}
	}
}

// TestAnalyzeQuantileOfEvents: the value is the quantile of all orders that count, and the data's own cut serves where no fact
// is given.
func TestAnalyzeQuantileOfEvents(t *testing.T) {
	exposures, purchases := shopLog(6, 1500, 9000)
	r := analyzeLog(t, robustShop(t, noFiles, "agg: P90"), exposures, purchases, nil)
	row := arpu(t, r)
	// Every order's total is drawn evenly from 0 to 300.
	for v, arm := range row.ByVariant {
		if arm.Value == nil || math.Abs(*arm.Value-270) > 6 || arm.SE == nil || *arm.SE <= 0 || *arm.SE > 4 {
			t.Errorf("%s: %+v, want about 270", v, arm)
		}
		num, den := new(big.Rat), new(big.Rat)
		num.SetString(arm.SumNum)
		den.SetString(arm.SumDen)
		if f, _ := num.Quo(num, den).Float64(); math.Abs(f-0.9) > 0.02 {
			t.Errorf("%s: %s of %s orders up to the cut, want nine tenths", v, arm.SumNum, arm.SumDen)
		}
	}
	if row.Quantile != 0.9 || row.Difference.IntervalAlways == nil || !slices.Contains(row.Reasons, results.ReasonOwnTuning) || slices.Contains(row.Reasons, results.ReasonCutNotFrozen) || row.State != "not_clear" {
		t.Errorf("state %s, reasons %q, %+v", row.State, row.Reasons, row.Difference)
	}
	for i := range r.Rows {
		if r.Rows[i].Metric == "ARPU" && r.Rows[i].ByVariant["control"].Value == nil {
			t.Errorf("slice %v has no value", r.Rows[i].Slice)
		}
	}
}

// TestKillsFreezeOnce kills the engine at random moments, losing what was not synced, while records come in and the percentiles
// are frozen: the fact that any result showed is the fact of all later ones, and with it the files give the same cells.
func TestKillsFreezeOnce(t *testing.T) {
	for seed := range uint64(8) {
		sources := [2]string{fmt.Sprintf(directSources, "exposures"), fmt.Sprintf(directSources, "orders")}
		what, reason := "winsorize: {upper: 0.95, lower: 0.02, after: 1m}", results.ReasonNotFrozen
		if seed%2 == 1 {
			what, reason = "agg: P90", results.ReasonCutNotFrozen
		}
		set := robustShop(t, sources, what)
		exposures, purchases := shopLog(seed+500, 1300, 2500)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			var fact *results.Tuning
			var got string
			inWorld(t, 3, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
				rng := rand.New(rand.NewPCG(seed, 2))
				fs := vfs.NewCrashableMem()
				x, o := exposures, purchases
				check := func(r *results.Result) {
					got, ok := r.Tuning["ARPU"]
					row := arpu(t, r)
					if ok == slices.Contains(row.Reasons, reason) {
						t.Fatalf("fact %+v and reasons %q", got, row.Reasons)
					}
					if !ok {
						if fact == nil && row.State != "collecting" && row.State != "no_data" {
							t.Fatalf("state %s before the percentiles are frozen", row.State)
						}
						return
					}
					if fact != nil && (got.Upper != fact.Upper || got.Lower != fact.Lower || !got.Set.Equal(*fact.Set)) {
						t.Fatalf("frozen as %+v, then as %+v", *fact, got)
					}
					fact = &got
				}
				for kills := 0; ; kills++ {
					opt := w.options(fs)
					opt.BatchRows = 1 + rng.IntN(200)
					opt.CommitEvery = time.Duration(10+rng.IntN(500)) * time.Millisecond
					opt.DurableEvery = time.Duration(10+rng.IntN(1500)) * time.Millisecond
					r := start(t, set, opt)
					for range rng.IntN(4) {
						nx, no := rng.IntN(len(x)+1), rng.IntN(len(o)+1)
						w.produce("exposures", true, x[:nx])
						w.produce("orders", true, o[:no])
						x, o = x[nx:], o[no:]
						time.Sleep(time.Duration(rng.IntN(900)) * time.Millisecond) // virtual
						check(r.result())
					}
					if kills == 4 {
						w.produce("exposures", true, x)
						w.produce("orders", true, o)
						r.read("exposures", int64(len(exposures)))
						r.read("orders", int64(len(purchases)))
						r.result() // freezes if nothing was
						res := r.result()
						check(res)
						r.stop()
						if fact == nil {
							t.Fatalf("never frozen: %+v", arpu(t, res))
						}
						got = cellsOf(res)
						verifyShards(t, fs, set)
						return
					}
					clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 10, 50, 100}[rng.IntN(4)], RNG: rng})
					r.abandon.Store(true)
					r.stop()
					fs = clone
				}
			})
			facts := map[string]map[string]results.Tuning{"landing": {results.MetricKey("ARPU"): *fact}}
			want := analyzeLog(t, robustShop(t, sources, what), exposures, purchases, facts)
			if got != cellsOf(want) {
				t.Errorf("with the fact %+v\n%s\nfiles give\n%s", *fact, got, cellsOf(want))
			}
			if row := arpu(t, want); row.Quantile > 0 {
				if got := want.Tuning["ARPU"]; got.Set == nil || !got.Set.Equal(*fact.Set) {
					t.Errorf("analysed with the fact: %+v", got)
				}
			} else if row.Clip.Set == nil || !row.Clip.Set.Equal(*fact.Set) {
				t.Errorf("analysed with the fact: clip %+v", row.Clip)
			}
		})
	}
}
