package sample

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// World is a made-up company. Step moves its time; Results are what an engine would have published then. Both may be called
// from any goroutine.
type World struct {
	seed uint64
	step atomic.Int64
	set  *catalog.Set
	defs map[string]metric
	exps []experiment
	// Halted stops a partition of the search source.
	Halted bool
}

// New returns the world of a seed at step 0. Its definitions are loaded as any are; it panics if they are wrong.
func New(seed uint64) *World {
	w := &World{seed: seed, defs: map[string]metric{}, exps: experiments()}
	for _, m := range metrics() {
		w.defs[m.id] = m
	}
	set, findings := catalog.LoadFS(files(), ".")
	if catalog.HasErrors(findings) {
		panic(fmt.Sprintf("sample: %+v", findings))
	}
	w.set = set
	for _, x := range set.Experiments {
		if x.ID == "hostile" {
			e := &w.exps[slices.IndexFunc(w.exps, func(e experiment) bool { return e.id == LongName })]
			x.ID, x.Control = e.id, e.arms[0]
			x.Variants = []catalog.Variant{{ID: e.arms[0], Weight: 1}, {ID: e.arms[1], Weight: 1}}
		}
	}
	slices.SortFunc(set.Experiments, func(a, b *catalog.Experiment) int { return strings.Compare(a.ID, b.ID) })
	return w
}

// Files are the definitions' files.
func Files() fs.FS { return files() }

// Set are the definitions.
func (w *World) Set() *catalog.Set { return w.set }

// Step lets seconds pass.
func (w *World) Step(n int) { w.step.Add(int64(n)) }

// Now is the world's clock.
func (w *World) Now() time.Time { return Now.Add(time.Duration(w.step.Load()) * time.Second) }

// Results returns every experiment's result with the slices asked for; those that have not started have none.
func (w *World) Results(s results.Slices) []*results.Result {
	var list []*results.Result
	for i := range w.exps {
		if w.exps[i].start < 0 {
			list = append(list, w.result(&w.exps[i], s))
		}
	}
	return list
}

// Result returns one experiment's result; nil if there is none.
func (w *World) Result(id string, s results.Slices) *results.Result {
	for i := range w.exps {
		if w.exps[i].id == id && w.exps[i].start < 0 {
			return w.result(&w.exps[i], s)
		}
	}
	return nil
}

func (w *World) result(e *experiment, s results.Slices) *results.Result {
	now := w.Now()
	mark := now.Add(-2300 * time.Millisecond)
	r := &results.Result{Experiment: e.id, Name: e.name, Owner: e.owner, State: "running", Definition: w.digest(e.id), AsOf: now, Watermark: &mark,
		Positions: map[string]int64{"orders/0": 812_331 + w.step.Load(), "exposures/0": 99_120 + w.step.Load()}, Complete: true, Alpha: 0.05, Tuning: map[string]results.Tuning{},
		Subjects: map[string]int64{}, SRM: results.SRM{DF: len(e.arms) - 1, State: "collecting"}, Rows: []results.Row{}}
	elapsed := float64(now.Sub(Now.Add(e.start))) / float64(day)
	switch {
	case e.stop != 0:
		r.State, elapsed = "stopped", float64(e.stop-e.start)/float64(day)
	case e.end < 0:
		r.State, elapsed = "ended", float64(e.end-e.start)/float64(day)
	}
	total := e.perDay * elapsed
	if e.none == "no_data" {
		total = 0
	}
	expected := total / float64(len(e.arms))
	chi2 := 0.0
	for i, a := range e.arms {
		rnd := w.rand(e.id, a, "n")
		n := math.Max(0, math.Round(expected*(1-e.skew*float64(i))+rnd.NormFloat64()*math.Sqrt(expected)/3))
		r.Subjects[a] = int64(n)
		if expected > 0 {
			chi2 += (n - expected) * (n - expected) / expected
		}
	}
	r.Crossovers = int64(total * 0.0004)
	if total > 400 {
		p := math.Erfc(math.Sqrt(chi2 / 2))
		ps := math.Min(1, p*40)
		r.SRM.Chi2, r.SRM.P, r.SRM.PSequential, r.SRM.State = &chi2, &p, &ps, "ok"
		if ps < 0.001 {
			r.SRM.State = "failed"
		}
	}
	if e.id == "push_timing" {
		ramped(e, r)
	}
	r.Ledger = w.ledger(int64(total))
	for _, u := range e.uses {
		for _, t := range e.arms[1:] {
			for _, g := range groupings(e.dims, s) {
				row := w.row(e, r, u, t, g.slice, g.share)
				w.beside(e, u, &row)
				r.Rows = append(r.Rows, row)
			}
		}
	}
	correct(e, r)
	return r
}

// ramped divides a result's subjects into two stretches of a ramp.
func ramped(e *experiment, r *results.Result) {
	first, second := results.SRMEpoch{From: Now.Add(e.start)}, results.SRMEpoch{From: Now.Add(e.start / 2)}
	for i, half := range []*results.SRMEpoch{&first, &second} {
		half.Planned, half.Subjects, half.PSequential = map[string]float64{}, map[string]int64{}, r.SRM.PSequential
		for _, a := range e.arms {
			half.Planned[a] = 1 / float64(len(e.arms))
			half.Subjects[a] = (r.Subjects[a] + int64(i)) / 2
		}
	}
	r.SRM.Epochs = []results.SRMEpoch{first, second}
}

type grouping struct {
	slice map[string]string
	share float64
}

// groupings are the slices of the dimensions asked for, the whole first, with their share of the subjects.
func groupings(dims []dimension, s results.Slices) []grouping {
	most := len(dims)
	switch s.Mode {
	case results.DefaultSlices:
		most = 1
	case results.NoSlices:
		most = 0
	}
	list := []grouping{{map[string]string{}, 1}}
	for _, d := range dims {
		if s.Mode == results.NamedSlices && !slices.Contains(s.Dimensions, d.name) {
			continue
		}
		for _, g := range slices.Clone(list) {
			if len(g.slice) == most {
				continue
			}
			for i, v := range d.values {
				cut := map[string]string{d.name: v}
				for k, v := range g.slice {
					cut[k] = v
				}
				list = append(list, grouping{cut, g.share * d.share[i]})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b grouping) int { return len(a.slice) - len(b.slice) })
	return list
}

func (w *World) row(e *experiment, r *results.Result, u use, treatment string, slice map[string]string, share float64) results.Row {
	m, control := w.defs[u.metric], e.arms[0]
	row := results.Row{Metric: u.metric, Definition: w.digest(u.metric), Role: string(u.role), Slice: slice, Variant: treatment, Control: control,
		Format: w.use(u.metric).Format, Direction: string(w.direction(u.metric)), ByVariant: map[string]results.Arm{}, State: "not_clear", Reasons: []string{}, Lift: results.Lift{Method: "fieller"}}
	key := results.SliceKey(slice)
	effect := u.effect[treatment]
	if len(slice) > 0 { // effects differ a little from slice to slice
		effect *= 1 + 0.8*w.rand(e.id, u.metric, treatment, key, "hte").NormFloat64()
	}
	arm := func(id string, lift float64) (value, se float64, n int64) {
		n = int64(float64(r.Subjects[id]) * share)
		if n < 2 {
			row.ByVariant[id] = results.Arm{N: n, SumNum: "0", SumDen: "0", SumNum2: "0", SumDen2: "0", SumNumDen: "0"}
			return 0, 0, n
		}
		mean, sd := m.mean*(1+lift), m.sd
		if m.binary {
			sd = math.Sqrt(mean * (1 - mean))
		}
		se = sd / math.Sqrt(float64(n))
		value = mean + se*w.walk(e.id, u.metric, id, key)
		v, s := value, se
		row.ByVariant[id] = results.Arm{N: n, SumNum: strconv.FormatFloat(math.Round(value*float64(n)), 'f', -1, 64), SumDen: strconv.FormatInt(n, 10),
			SumNum2: "1", SumDen2: "1", SumNumDen: "1", Value: &v, SE: &s}
		return value, se, n
	}
	cv, cse, cn := arm(control, 0)
	tv, tse, tn := arm(treatment, effect)
	switch {
	case e.none == "failed":
		row.State, row.Reasons = "failed", []string{"corrupt"}
		row.ByVariant = map[string]results.Arm{control: {N: cn, SumNum: "0", SumDen: "0", SumNum2: "0", SumDen2: "0", SumNumDen: "0"}, treatment: {N: tn, SumNum: "0", SumDen: "0", SumNum2: "0", SumDen2: "0", SumNumDen: "0"}}
	case cn == 0 || tn == 0:
		row.State, row.Reasons = "no_data", []string{"no_subjects"}
	case cn < 2 || tn < 2:
		row.State, row.Reasons = "collecting", []string{"too_few_subjects"}
	default:
		w.compare(&row, w.direction(u.metric), tv, tse, float64(tn), cv, cse, float64(cn))
		w.guard(&row, e, u)
		if r.SRM.State == "failed" {
			row.State, row.Reasons = "unreliable", append(row.Reasons, results.ReasonSRM)
		}
	}
	return row
}

// compare fills in difference, lift and state. The lift's interval is the delta method's; close enough to look at.
func (w *World) compare(row *results.Row, dir catalog.Direction, tv, tse, tn, cv, cse, cn float64) {
	d, se := tv-cv, math.Hypot(tse, cse)
	z := d / se
	p := math.Erfc(math.Abs(z) / math.Sqrt2)
	n := tn + cn
	v := math.Pow(tn*cn/(n*n), 2) * se * se
	vstar := v * 10_000 / n
	alpha := 0.05
	rho := vstar / (-2*math.Log(alpha) + math.Log(1-2*math.Log(alpha)))
	k := math.Sqrt((v + rho) / v * math.Log((v+rho)/(rho*alpha*alpha)))
	pa := math.Min(1, math.Sqrt((v+rho)/rho)*math.Exp(-z*z/2*v/(v+rho)))
	row.Difference = results.Difference{Value: &d, SE: &se, Z: &z, P: &p, PAlways: &pa,
		Interval: &[2]float64{d - 1.959964*se, d + 1.959964*se}, IntervalAlways: &[2]float64{d - k*se, d + k*se}}
	df := n - 2
	row.Welch = results.Welch{T: &z, DF: &df, P: &p, Interval: &[2]float64{d - 1.96*se, d + 1.96*se}}
	lift := tv/cv - 1
	lse := math.Hypot(tse/cv, tv*cse/(cv*cv))
	row.Lift.Value, row.Lift.Interval = &lift, &[2]float64{lift - 1.959964*lse, lift + 1.959964*lse}
	if min(tn, cn) < 100 {
		row.State, row.Reasons = "collecting", []string{"few_subjects"}
		row.Difference.PAlways, row.Difference.IntervalAlways = nil, nil
		return
	}
	set := Now.Add(-4 * day)
	row.Tuning = &results.Tuning{V: vstar, Set: &set}
	cd, cse := d*0.97, se*0.8
	cz := cd / cse
	cpa := math.Min(1, math.Sqrt((v+rho)/rho)*math.Exp(-cz*cz/2*v/(v+rho)))
	row.CUPED = &results.CUPED{Difference: results.Difference{Value: &cd, SE: &cse, Z: &cz, IntervalAlways: &[2]float64{cd - k*cse, cd + k*cse}, PAlways: &cpa}}
	row.Lift.IntervalAlways = &[2]float64{lift - k*lse, lift + k*lse}
	up, down := "better", "worse"
	if dir == catalog.Down {
		up, down = down, up
	}
	switch {
	case dir == catalog.Either:
	case d-k*se > 0:
		row.State = up
	case d+k*se < 0:
		row.State = down
	}
}

func (w *World) guard(row *results.Row, e *experiment, u use) {
	if u.limit == "" {
		return
	}
	v, _ := strconv.ParseFloat(strings.Trim(u.limit, "+%"), 64)
	g := &results.Guardrail{Limit: v / 100, Unit: "relative", State: "within"}
	if iv := row.Lift.IntervalAlways; iv != nil {
		switch {
		case iv[0] > g.Limit:
			g.State = "crossed"
		case row.State == "worse" && iv[1] > 0.8*g.Limit:
			g.State = "near"
		}
	}
	row.Guardrail = g
}

func (w *World) ledger(total int64) results.Ledger {
	ev := func(n int64) results.EventLedger {
		l := results.EventLedger{Evaluated: n, Filtered: n / 9, Rejected: n / 40_000, Late: n / 2_500, Duplicate: n / 900, Unexposed: n / 3, Outside: n / 70}
		l.Accepted = n - l.Filtered - l.Rejected - l.Late - l.Duplicate
		l.Counted = l.Accepted - l.Unexposed - l.Outside
		return l
	}
	rec := func(n int64) results.RecordLedger {
		l := results.RecordLedger{Read: n, Rejected: n / 50_000}
		if l.Evaluated = n - l.Rejected; l.Rejected > 0 {
			l.Reasons = map[string]int64{"malformed": l.Rejected - l.Rejected/3, "missing_subject": l.Rejected / 3}
		}
		return l
	}
	n := total*9 + 12_031
	return results.Ledger{Records: map[string]results.RecordLedger{"exposures": rec(n / 3), "orders": rec(n / 5), "search": rec(n)},
		Events: map[string]results.EventLedger{"EXPOSURE": ev(n / 3), "PURCHASE": ev(n / 5), "IMPRESSION": ev(n), "CLICK": ev(n)}}
}

func (w *World) use(metric string) *catalog.Metric {
	for _, m := range w.set.Metrics {
		if m.ID == metric {
			return m
		}
	}
	panic("sample: no metric " + metric)
}

func (w *World) direction(metric string) catalog.Direction { return w.use(metric).Direction }

// walk is a standard normal that moves slowly from step to step, as a mean over a growing sample does.
func (w *World) walk(parts ...string) float64 {
	a := w.rand(append(parts, "a")...).NormFloat64()
	b := w.rand(append(parts, "b")...).NormFloat64()
	angle := float64(w.step.Load()) / 90
	return a*math.Cos(angle) + b*math.Sin(angle)
}

func (w *World) digest(id string) string {
	return fmt.Sprintf("%016x%016x%016x%016x", w.hash(id), w.hash(id, "2"), w.hash(id, "3"), w.hash(id, "4"))
}

func (w *World) rand(parts ...string) *rand.Rand {
	return rand.New(rand.NewPCG(w.seed, w.hash(parts...)))
}

func (w *World) hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum64()
}
