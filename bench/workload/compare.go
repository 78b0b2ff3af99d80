package workload

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"sort"
	"strings"

	"github.com/tidemark/tidemark/bench/oracle"
	"github.com/tidemark/tidemark/stats/sketch"
	"github.com/tidemark/tidemark/stream/results"
)

// Differences holds results with slices=all against the oracle's answer, in both directions, and says what differs.
// An empty list means: every count and sum of every cell is the same, every cell of the oracle is there, nothing else
// is, and the ledger agrees.
func Differences(spec oracle.Spec, answer oracle.Answer, list []*results.Result) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	scales := map[string][2]int{}
	dims := map[string][]string{}
	for _, e := range spec.Experiments {
		for _, m := range e.Metrics {
			scales[e.ID+"|"+m.ID] = [2]int{m.NumScale, m.DenScale}
		}
		for _, d := range e.Dimensions {
			dims[e.ID] = append(dims[e.ID], d.Name)
		}
	}
	seen := map[oracle.Key]bool{}
	for _, r := range list {
		for _, row := range r.Rows {
			for variant, arm := range row.ByVariant {
				key := oracle.Key{Experiment: r.Experiment, Variant: variant, Slice: slice(dims[r.Experiment], row.Slice), Metric: row.Metric}
				seen[key] = true
				want := answer.Cells[key]
				if want == nil {
					if arm.N != 0 {
						say("%v: the engine has n = %d, the oracle no such cell", key, arm.N)
					}
					continue
				}
				s := scales[key.Experiment+"|"+key.Metric]
				for _, c := range []struct {
					what, got string
					want      *big.Int
					scale     int
				}{
					{"sum_num", arm.SumNum, want.Num, s[0]}, {"sum_den", arm.SumDen, want.Den, s[1]},
					{"sum_num2", arm.SumNum2, want.Num2, 2 * s[0]}, {"sum_den2", arm.SumDen2, want.Den2, 2 * s[1]},
					{"sum_numden", arm.SumNumDen, want.NumDen, s[0] + s[1]},
					{"sum_pre", arm.SumPre, want.Pre, s[0]}, {"sum_pre2", arm.SumPre2, want.Pre2, 2 * s[0]},
					{"sum_numpre", arm.SumNumPre, want.NumPre, 2 * s[0]}, {"sum_denpre", arm.SumDenPre, want.DenPre, s[0] + s[1]},
				} {
					if c.got == "" && want.Pre.Sign() == 0 && want.NumPre.Sign() == 0 && strings.Contains(c.what, "pre") {
						continue // an experiment without a pre-period
					}
					if oracle.Scaled(orZero(c.got), c.scale).Cmp(c.want) != 0 {
						say("%v: %s = %s, want %s at scale %d", key, c.what, c.got, c.want, c.scale)
					}
				}
				if row.Across != "" {
					all := map[string]bool{}
					for _, set := range want.Sets {
						maps.Copy(all, set)
					}
					// The engine's hashes are its own: so few values are counted exactly but where two share a register.
					if n := float64(len(all)); arm.Value == nil || arm.SketchError == nil || math.Abs(*arm.Value-n) > max(2, 4*n*sketch.DistinctError) {
						say("%v: the value is %v, want about %g distinct", key, arm.Value, n)
					}
				}
				if arm.N != want.N {
					say("%v: n = %d, want %d", key, arm.N, want.N)
				}
			}
		}
		if r.Crossovers != answer.Crossovers[r.Experiment] {
			say("%s: %d crossovers, want %d", r.Experiment, r.Crossovers, answer.Crossovers[r.Experiment])
		}
		for def, l := range r.Ledger.Events {
			want := answer.Ledger[[2]string{r.Experiment, def}]
			got := oracle.EventLedger{Late: l.Late, Duplicate: l.Duplicate, Accepted: l.Accepted, Counted: l.Counted, Outside: l.Outside, Unexposed: l.Unexposed}
			if got != want {
				say("%s/%s: ledger %+v, want %+v", r.Experiment, def, got, want)
			}
			if l.Evaluated != l.Filtered+l.Rejected+l.Late+l.Duplicate+l.Accepted || l.Accepted != l.Counted+l.Outside+l.Unexposed {
				say("%s/%s: the ledger does not balance: %+v", r.Experiment, def, l)
			}
		}
		for source, l := range r.Ledger.Records {
			if l.Read != l.Rejected+l.Evaluated {
				say("%s/%s: the records do not balance: %+v", r.Experiment, source, l)
			}
		}
	}
	for key, want := range answer.Cells {
		if !seen[key] && want.N > 0 {
			say("%v: the oracle has n = %d, the engine no such row", key, want.N)
		}
	}
	sort.Strings(out)
	return out
}

// slice names a row's slice as the oracle does.
func slice(dims []string, values map[string]string) string {
	var parts []string
	for _, d := range dims {
		if v, ok := values[d]; ok {
			parts = append(parts, d+"="+v)
		}
	}
	return strings.Join(parts, "&")
}

func orZero(text string) string {
	if text == "" {
		return "0"
	}
	return text
}
