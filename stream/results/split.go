package results

import (
	"maps"
	"slices"
	"time"

	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats"
)

// SRMEpoch is a stretch of a ramp: from when on subjects first exposed were to be split by weights of their own.
type SRMEpoch struct {
	From time.Time `json:"from"`
	// Planned are the shares by variant.
	Planned map[string]float64 `json:"planned"`
	// Subjects are those first exposed in the epoch, by variant.
	Subjects map[string]int64 `json:"subjects"`
	// PSequential is the epoch's own, to see which one is off; the check itself takes all epochs together.
	PSequential *float64 `json:"p_sequential"`
}

// countEpochs returns the exposed subjects of arms by epoch and variant.
func (e *Evaluator) countEpochs(arms []*cube.Cell) [][]int64 {
	counts := make([][]int64, len(e.planned))
	for k := range counts {
		counts[k] = make([]int64, len(arms))
		for v, c := range arms {
			counts[k][v] = c.Epoch(e.x, k)
		}
	}
	return counts
}

// testSplit tests counts by epoch against the weights of each.
func (e *Evaluator) testSplit(counts [][]int64, opt stats.SRMOptions) stats.SRM {
	opt.MinDeviation = e.x.SRMDeviation
	epochs := make([]stats.Epoch, len(counts))
	for k := range counts {
		epochs[k] = stats.Epoch{Counts: counts[k], Weights: e.planned[k].Weights}
	}
	srm, err := stats.SampleRatioEpochs(epochs, opt)
	if err != nil {
		srm.State = stats.SRMCollecting // the catalog lets no such weights through
	}
	return srm
}

// sampleRatio checks the split of the subjects.
func (e *Evaluator) sampleRatio(arms []*cube.Cell) SRM {
	counts := e.countEpochs(arms)
	srm := e.testSplit(counts, stats.SRMOptions{})
	out := SRM{Chi2: srm.Chi2.Ptr(), DF: srm.DF, P: srm.P.Ptr(), PSequential: srm.PSequential.Ptr(), State: string(srm.State)}
	if len(counts) == 1 {
		return out
	}
	for k, p := range e.planned {
		one := SRMEpoch{From: p.From.UTC(), Planned: map[string]float64{}, Subjects: map[string]int64{}}
		sum := 0.0
		for _, w := range p.Weights {
			sum += w
		}
		for v := range e.x.Variants {
			one.Planned[e.x.Variants[v].ID], one.Subjects[e.x.Variants[v].ID] = p.Weights[v]/sum, counts[k][v]
		}
		if own, err := stats.SampleRatio(counts[k], p.Weights, stats.SRMOptions{}); err == nil {
			one.PSequential = own.PSequential.Ptr()
		}
		out.Epochs = append(out.Epochs, one)
	}
	return out
}

// countedByEpoch says whether cells of the past, kept under another definition, can be held to know the epochs of this one: they
// are named by their beginnings, so those of a step that was added afterwards are empty though time had passed it.
func (e *Evaluator) countedByEpoch(p *cube.Point) bool {
	if p.Definition == e.hash {
		return true
	}
	for k, counts := range e.countEpochs(p.Arms) {
		if k > 0 && e.planned[k].From.Before(p.Time) && slices.Max(counts) == 0 {
			return false
		}
	}
	return true
}

// EpochText is a stretch of a ramp for people.
type EpochText struct {
	From string // 2026-03-04 00:00 UTC
	Arms []EpochArmText
	P    string // always-valid, of this stretch alone
}

// EpochArmText is an arm in a stretch of a ramp. Share is Missing without subjects.
type EpochArmText struct{ Variant, Subjects, Share, Planned string }

// EpochTexts words the stretches of a ramp, variants by id; none without a ramp.
func EpochTexts(r *Result) []EpochText {
	var out []EpochText
	for _, e := range r.SRM.Epochs {
		t := EpochText{From: e.From.UTC().Format("2006-01-02 15:04 MST"), P: FormatP(e.PSequential, 0.001)}
		total := int64(0)
		for _, n := range e.Subjects {
			total += n
		}
		for _, v := range slices.Sorted(maps.Keys(e.Planned)) {
			a := EpochArmText{Variant: v, Subjects: FormatCount(e.Subjects[v]), Share: Missing, Planned: FormatPercent(e.Planned[v], 1)}
			if total > 0 {
				a.Share = FormatPercent(float64(e.Subjects[v])/float64(total), 2)
			}
			t.Arms = append(t.Arms, a)
		}
		out = append(out, t)
	}
	return out
}
