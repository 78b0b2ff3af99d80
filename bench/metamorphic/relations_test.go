package metamorphic

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/bench/oracle"
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/state"
)

// count is how many cases a test does: as many as CI must, fewer with -short, more when the environment asks.
func count(t *testing.T, full int) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("TIDEMARK_CASES")); err == nil {
		return n
	}
	if testing.Short() {
		return full / 100
	}
	return full
}

// seeds calls f for each case in turn, or for the one of TIDEMARK_SEED.
func seeds(t *testing.T, full int, f func(seed uint64) error) {
	t.Helper()
	if text := os.Getenv("TIDEMARK_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if err := f(seed); err != nil {
			t.Fatal(err)
		}
		return
	}
	n := count(t, full)
	for i := range n {
		seed := uint64(i) + 1
		if err := f(seed); err != nil {
			t.Fatalf("seed %d (TIDEMARK_SEED=%d go test ./bench/metamorphic -run %s): %v", seed, seed, t.Name(), err)
		}
	}
	t.Logf("%d cases", n)
}

// TestApplyEqualsOracle feeds state.Store's Apply with the events of random logs: split into shards, into batches of any
// size, in any interleaving of the partitions, with crashes and replays; the cells of every grouping and the ledger are
// the oracle's.
func TestApplyEqualsOracle(t *testing.T) {
	seeds(t, 20_000, func(seed uint64) error {
		c := Generate(seed)
		if seed%3 == 0 {
			c = c.Scatter()
		}
		set := catalogtest.Parse(t, c.YAML)
		plans, err := set.Plans()
		if err != nil {
			return err
		}
		rng := rand.New(rand.NewPCG(seed, 5))
		final := int64(1 << 62)
		if rng.IntN(3) > 0 {
			final = newest(c.Log, func(oracle.Record) bool { return true }) + rng.Int64N(2*hour)
		}
		c.Spec.Clock = func(string) int64 { return final }
		answer := oracle.Compute(c.Spec, c.Log)
		shards := 1 + rng.IntN(3)
		if rng.IntN(4) == 0 {
			shards = 16
		}
		r := runner{plan: plans[0], log: place(c.Log, rng), rng: rng, final: final}
		if r.facts, err = c.frozen(plans[0]); err != nil {
			return err
		}
		if err := r.run(shards); err != nil {
			return fmt.Errorf("%w\n%s", err, c.YAML)
		}
		if err := compare(c, plans[0], r.merged(), answer); err != nil {
			return fmt.Errorf("%d shards: %w\n%s\n%s", shards, err, c.YAML, dump(c))
		}
		if err := ledgers(c, plans[0], r.shards, answer); err != nil {
			return fmt.Errorf("%d shards: %w\n%s\n%s", shards, err, c.YAML, dump(c))
		}
		return r.close()
	})
}

// newest is the largest Kafka timestamp of the records for which of holds; the smallest integer if there is none.
func newest(log []oracle.Record, of func(oracle.Record) bool) int64 {
	t := int64(math.MinInt64)
	for _, r := range log {
		if of(r) {
			t = max(t, r.Timestamp)
		}
	}
	return t
}

func dump(c *Case) (out string) {
	for _, r := range c.Log {
		out += fmt.Sprintf("%s/%d@%d ts=%s %s %s t=%s id=%q(%v) %q %v\n", r.Source, r.Partition, r.Offset, isoTime(r.Timestamp), r.Def, r.Subject, isoTime(r.Time), r.ID, r.HasID, r.Variant, r.Fields)
	}
	return out
}

// runner drives the shards over one log.
type runner struct {
	plan   *catalog.Plan
	log    []placed
	rng    *rand.Rand
	shards []*shard
	cache  *pebble.Cache
	// final is the clock after the last record.
	final int64
	// facts are what is frozen at some moment.
	facts []state.Frozen
}

func (r *runner) run(shards int) error {
	r.cache = pebble.NewCache(1 << 20)
	// The sharpest clock that is true: no record that is still to come is older.
	clock := make([]int64, len(r.log)+1)
	clock[len(r.log)] = r.final
	for i := len(r.log) - 1; i >= 0; i-- {
		clock[i] = min(clock[i+1], r.log[i].Timestamp)
	}
	for k := range shards {
		var mine []placed
		s, err := openShard(r.plan, vfs.NewCrashableMem(), r.cache)
		if err != nil {
			return err
		}
		for i := 0; i < len(r.log); {
			end := min(len(r.log), i+1+r.rng.IntN(8))
			mine = mine[:0]
			for _, p := range r.log[i:end] {
				if int(Partition(p.Subject+"x", shards)) == k {
					mine = append(mine, p)
				}
			}
			if err := s.batch(mine, clock[end]); err != nil {
				return err
			}
			i = end
			if len(r.facts) > 0 && (r.rng.IntN(8) == 0 || i == len(r.log)) {
				if err := s.freeze(r.facts); err != nil {
					return err
				}
			}
			switch r.rng.IntN(8) {
			case 0:
				if err := s.commit(); err != nil {
					return err
				}
			case 1:
				if err := s.commit(); err != nil {
					return err
				}
				if err := s.store.Durable(); err != nil {
					return err
				}
			case 2:
				if r.rng.IntN(6) > 0 {
					break
				}
				// A crash: what is durable stays, the shard reads the log again from where it is.
				crashed := s.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.rng.IntN(2) * 50, RNG: r.rng})
				_ = s.store.Close()
				if s, err = openShard(r.plan, crashed, r.cache); err != nil {
					return fmt.Errorf("open after a crash: %w", err)
				}
				// It reads every partition again from the start; what it has it skips.
				i = 0
			}
		}
		r.shards = append(r.shards, s)
	}
	return nil
}

func (r *runner) merged() map[int]*cube.Cells {
	out := map[int]*cube.Cells{}
	for x := range r.plan.Experiments {
		sum := cube.NewCells(&r.plan.Experiments[x])
		for _, s := range r.shards {
			sum = sum.Merge(s.cube.Snapshot(x, s.store.Name))
		}
		out[x] = sum
	}
	return out
}

func (r *runner) close() error {
	for _, s := range r.shards {
		if err := s.store.Close(); err != nil {
			return err
		}
	}
	r.cache.Unref()
	return nil
}

// compare holds every cell of every grouping against the oracle, in both directions.
func compare(c *Case, plan *catalog.Plan, merged map[int]*cube.Cells, answer oracle.Answer) error {
	got := cells(plan, merged)
	for key, want := range answer.Cells {
		s := got[key]
		if s == nil {
			return fmt.Errorf("%v: the engine has no cell, the oracle n = %d", key, want.N)
		}
		pairs := []struct {
			what string
			got  string
			want *big.Int
		}{
			{"num", s.Num.Decimal(0), want.Num}, {"den", s.Den.Decimal(0), want.Den}, {"num2", s.Num2.Decimal(0), want.Num2},
			{"den2", s.Den2.Decimal(0), want.Den2}, {"numden", s.NumDen.Decimal(0), want.NumDen},
			{"pre", s.Before.Pre.Decimal(0), want.Pre}, {"pre2", s.Before.Pre2.Decimal(0), want.Pre2},
			{"numpre", s.Before.NumPre.Decimal(0), want.NumPre}, {"denpre", s.Before.DenPre.Decimal(0), want.DenPre},
		}
		if err := sameDistribution(s.events, want.Values); err != nil {
			return fmt.Errorf("%v: %w", key, err)
		}
		if err := sameSets(s.ranks, want.Sets); err != nil {
			return fmt.Errorf("%v: %w", key, err)
		}
		if s.N != want.N {
			return fmt.Errorf("%v: n = %d, want %d", key, s.N, want.N)
		}
		for _, p := range pairs {
			if p.got != p.want.String() {
				return fmt.Errorf("%v: %s = %s, want %s", key, p.what, p.got, p.want)
			}
		}
	}
	for key, s := range got {
		if answer.Cells[key] == nil {
			return fmt.Errorf("%v: the engine has n = %d, the oracle no cell", key, s.N)
		}
	}
	if err := compareExposed(plan, merged, answer); err != nil {
		return err
	}
	for x := range plan.Experiments {
		pxp := &plan.Experiments[x]
		for v, n := range merged[x].Subjects() {
			if want := answer.Exposed[oracle.Key{Experiment: pxp.ID, Variant: pxp.Variants[v].ID}]; n != want {
				return fmt.Errorf("%s/%s: %d subjects, want %d", pxp.ID, pxp.Variants[v].ID, n, want)
			}
		}
	}
	return nil
}

// ledgers adds up the shards' ledgers and compares.
func ledgers(c *Case, plan *catalog.Plan, shards []*shard, answer oracle.Answer) error {
	for x := range plan.Experiments {
		crossovers := int64(0)
		sum := map[string]oracle.EventLedger{}
		for _, s := range shards {
			l := s.store.Ledger()
			crossovers += l.Experiments[x].Crossovers
			for _, e := range l.Experiments[x].Events {
				id, all := plan.Events[e.Event].ID, l.Events[e.Event]
				was := sum[id]
				sum[id] = oracle.EventLedger{Late: was.Late + all.Late, Duplicate: was.Duplicate + all.Duplicate, Accepted: was.Accepted + all.Accepted,
					Counted: was.Counted + e.Counted, Outside: was.Outside + e.Outside, Unexposed: was.Unexposed + e.Unexposed}
			}
		}
		id := plan.Experiments[x].ID
		for def, got := range sum {
			if want := answer.Ledger[[2]string{id, def}]; got != want {
				return fmt.Errorf("%s/%s: ledger %+v, want %+v", id, def, got, want)
			}
		}
		if want := answer.Crossovers[id]; crossovers != want {
			return fmt.Errorf("%s: %d crossovers, want %d", id, crossovers, want)
		}
	}
	return nil
}
