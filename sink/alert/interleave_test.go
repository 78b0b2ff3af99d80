package alert

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
)

// script is what an engine publishes in one life without a crash: results of two experiments at rising positions.
func script(r *rand.Rand, n int) []outcome {
	words := []string{"within", "near", "crossed", "crossed", "collecting", ""}
	states := []string{"better", "worse", "worse", "not_clear", "collecting", ""}
	srm := []string{"ok", "ok", "ok", "ok", "failed", "collecting"}
	positions := map[string]int64{"events/0": 0, "events/1": 0}
	at := time.Duration(0)
	var list []outcome
	// What held last goes on holding more often than not, or nothing would ever be pending for long.
	current := map[string]*outcome{}
	for range n {
		for _, p := range []string{"events/0", "events/1"} { // not over the map: a seed must give the same script
			positions[p] += int64(r.IntN(3))
		}
		positions["events/0"]++
		at += time.Duration(r.IntN(40)) * time.Second
		id := []string{"one", "two"}[r.IntN(2)]
		o := outcome{experiment: id, at: at, subjects: 400 + int64(r.IntN(300)), words: map[string]string{}, srm: srm[r.IntN(len(srm))]}
		o.positions = map[string]int64{}
		for p, v := range positions {
			o.positions[p] = v
		}
		if last := current[id]; last != nil && r.IntN(2) == 0 {
			o.words, o.srm = last.words, last.srm
		} else {
			if w := words[r.IntN(len(words))]; w != "" {
				o.words["CRASHES"] = w
			}
			if w := states[r.IntN(len(states))]; w != "" {
				o.words["CTR"] = w
			}
		}
		current[id] = &o
		list = append(list, o)
	}
	return list
}

func scriptRules() []*catalog.Alert {
	return []*catalog.Alert{
		guardrailRule("crossed", "pager", "chat"),
		{ID: "near", All: true, When: catalog.Condition{Guardrail: "near"}, For: 30 * time.Second, Receivers: []string{"chat"}, Severity: "warning"},
		{ID: "bad", Experiments: []string{"one"}, When: catalog.Condition{Metric: "CTR", State: "worse"}, For: time.Minute, MinSubjects: 500, Receivers: []string{"chat"}, Severity: "error"},
		{ID: "good", All: true, When: catalog.Condition{Metric: "CTR", State: "better"}, Receivers: []string{"chat"}, Severity: "info"},
		{ID: "split", All: true, When: catalog.Condition{SRM: "failed"}, Receivers: []string{"pager"}, Severity: "critical"},
	}
}

// TestInterleavingsGiveTheSameTransitions holds invariant 3: whatever is delivered twice, replayed from further back,
// or cut by restarts and crashes, the transitions and messages are those of one undisturbed life.
func TestInterleavingsGiveTheSameTransitions(t *testing.T) {
	seeds := 150
	if testing.Short() {
		seeds = 20
	}
	transitions, crashes := 0, 0
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 7))
		list := script(r, 60)
		set := definitions(scriptRules()...)
		plain := open(t, set, options(vfs.NewMem(), map[string]*rec{}))
		for _, o := range list {
			observe(t, plain, o)
		}
		wantHistory := history(plain)
		wantMessages, _ := outbox(t, plain, 0)
		plain.Close()
		transitions += len(wantHistory)

		fs := vfs.NewCrashableMem()
		m := open(t, set, options(fs, map[string]*rec{}))
		for i := 0; i < len(list); i++ {
			observe(t, m, list[i])
			switch r.IntN(8) {
			case 0: // the same again
				observe(t, m, list[i])
			case 1: // a stretch of the past, in any order
				for range r.IntN(5) {
					observe(t, m, list[r.IntN(i+1)])
				}
			case 2:
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
				m = open(t, set, options(fs, map[string]*rec{}))
				i = max(-1, i-r.IntN(4)) // the engine goes on from its last commit
			case 3: // crash
				clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 10, 50, 100}[r.IntN(4)], RNG: r})
				m.Close()
				fs = clone
				m = open(t, set, options(fs, map[string]*rec{}))
				i = max(-1, i-r.IntN(4))
				crashes++
			}
		}
		if got := history(m); !slices.Equal(got, wantHistory) {
			t.Fatalf("seed %d: transitions\n%v\nwant\n%v", seed, got, wantHistory)
		}
		if got, _ := outbox(t, m, 0); !slices.Equal(got, wantMessages) {
			t.Fatalf("seed %d: messages\n%v\nwant\n%v", seed, got, wantMessages)
		}
		m.Close()
	}
	t.Logf("%d seeds, %d transitions, %d crashes", seeds, transitions, crashes)
}
