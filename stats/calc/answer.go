package calc

import (
	"fmt"
	"math"

	"github.com/tidemark/tidemark/stats"
)

// Answer has a part for each part of the request.
type Answer struct {
	Alpha float64 `json:"alpha"`

	Tuning     *Tuning     `json:"tuning,omitempty"`
	Control    *Estimate   `json:"control,omitempty"`
	Treatment  *Estimate   `json:"treatment,omitempty"`
	Difference *Difference `json:"difference,omitempty"`
	Welch      *Welch      `json:"welch,omitempty"`
	Lift       *Lift       `json:"lift,omitempty"`
	CUPED      *CUPED      `json:"cuped,omitempty"`
	Guardrail  *Guardrail  `json:"guardrail,omitempty"`
	State      string      `json:"state,omitempty"`
	Reasons    []string    `json:"reasons,omitempty"`

	SRM          *SRM          `json:"srm,omitempty"`
	Multiplicity *Multiplicity `json:"multiplicity,omitempty"`
	Power        *Powered      `json:"power,omitempty"`
}

// Estimate is one arm's value.
type Estimate struct {
	N     int64    `json:"n"`
	Value *float64 `json:"value"`
	SE    *float64 `json:"se"`
}

// Difference is treatment − control.
type Difference struct {
	Value          *float64    `json:"value"`
	SE             *float64    `json:"se"`
	Z              *float64    `json:"z"`
	P              *float64    `json:"p"`
	Log10P         *float64    `json:"log10_p"`
	Interval       *[2]float64 `json:"interval"`
	PAlways        *float64    `json:"p_always"`
	LogE           *float64    `json:"log_e"`
	K              *float64    `json:"k"`
	IntervalAlways *[2]float64 `json:"interval_always"`
}

// Welch is the t-test beside z.
type Welch struct {
	T        *float64    `json:"t"`
	DF       *float64    `json:"df"`
	P        *float64    `json:"p"`
	Interval *[2]float64 `json:"interval"`
}

// Lift is treatment/control − 1.
type Lift struct {
	Value          *float64    `json:"value"`
	SE             *float64    `json:"se,omitempty"`
	Interval       *[2]float64 `json:"interval"`
	IntervalAlways *[2]float64 `json:"interval_always"`
	Method         string      `json:"method"`
	// PWelch and IntervalWelch are by the delta method with Welch's t, as some tools print them; with the method delta only.
	PWelch        *float64    `json:"p_welch,omitempty"`
	IntervalWelch *[2]float64 `json:"interval_welch,omitempty"`
}

// CUPED is the comparison adjusted by the pre-period.
type CUPED struct {
	Theta      *float64   `json:"theta"`
	Difference Difference `json:"difference"`
	Lift       Lift       `json:"lift"`
}

// Guardrail is where the result stands to its limit.
type Guardrail struct {
	Limit float64 `json:"limit"`
	Unit  string  `json:"unit"` // relative, absolute
	State string  `json:"state"`
	// NonInferiority is null while there is no test.
	NonInferiority *NonInferiority `json:"non_inferiority"`
}

// NonInferiority asks whether it is shown that the result is short of the limit, on one side. Bounds are in the metric's unit, as the
// distance from the limit on its harmful side.
type NonInferiority struct {
	Verdict     string   `json:"verdict"` // shown, not_shown
	Z           *float64 `json:"z"`
	P           *float64 `json:"p"`
	PAlways     *float64 `json:"p_always"`
	Bound       *float64 `json:"bound"`
	BoundAlways *float64 `json:"bound_always"`
}

// SRM is the sample ratio check.
type SRM struct {
	Chi2        *float64 `json:"chi2"`
	DF          int      `json:"df"`
	P           *float64 `json:"p"`
	PSequential *float64 `json:"p_sequential"`
	LogBF       *float64 `json:"log_bf"`
	State       string   `json:"state"`
}

// Multiplicity has the request's p-values adjusted, in their order, and what e-BH rejects by log_e, or by always-valid p-values,
// whose e is 1/p.
type Multiplicity struct {
	Bonferroni []float64 `json:"bonferroni,omitempty"`
	Holm       []float64 `json:"holm,omitempty"`
	BH         []float64 `json:"bh,omitempty"`
	EBH        []bool    `json:"ebh,omitempty"`
}

// Run answers a request. It returns ErrRequest, stats.ErrWeights, stats.ErrPlan or moment.ErrCorrupt, saying what is wrong.
func Run(r Request) (*Answer, error) {
	if r.Alpha == 0 {
		r.Alpha = 0.05
	}
	if !(r.Alpha > 0 && r.Alpha < 1) {
		return nil, fmt.Errorf("calc: alpha is %v, it must lie between 0 and 1: %w", r.Alpha, ErrRequest)
	}
	a := &Answer{Alpha: r.Alpha}
	if (r.Control == nil) != (r.Treatment == nil) {
		return nil, fmt.Errorf("calc: control and treatment go together: %w", ErrRequest)
	}
	if r.Control == nil && r.Counts == nil && r.P == nil && r.LogE == nil && r.Power == nil {
		return nil, fmt.Errorf("calc: nothing is asked; give control and treatment, counts, p, log_e or power: %w", ErrRequest)
	}
	if r.Control != nil {
		if err := a.compare(r); err != nil {
			return nil, fmt.Errorf("calc: %w", err)
		}
	}
	if r.Counts != nil {
		if err := a.split(r); err != nil {
			return nil, fmt.Errorf("calc: %w", err)
		}
	}
	if r.P != nil || r.LogE != nil {
		if err := a.adjust(r); err != nil {
			return nil, fmt.Errorf("calc: %w", err)
		}
	}
	if r.Power != nil {
		p, err := r.Power.run(r.Alpha)
		if err != nil {
			return nil, fmt.Errorf("calc: %w", err)
		}
		a.Power = p
	}
	return a, nil
}

func (a *Answer) compare(r Request) error {
	sc, err := scaleOf(r.Control, r.Treatment)
	if err != nil {
		return err
	}
	control, err := r.Control.sums("control", sc)
	if err != nil {
		return err
	}
	treatment, err := r.Treatment.sums("treatment", sc)
	if err != nil {
		return err
	}
	d, err := r.design(sc)
	if err != nil {
		return err
	}
	subjects := r.Subjects
	if subjects == 0 {
		subjects = 10000
	}
	d.CUPED, d.CUPEDTuning = control.HasBefore() || treatment.HasBefore(), d.Tuning
	if !d.Tuning.Set() {
		d.Tuning.V, _ = stats.Tune(treatment, control, sc, subjects)
		if d.CUPED {
			d.CUPEDTuning.V, _ = stats.TuneCUPED(treatment, control, sc, subjects)
		}
	}
	if d.Tuning.Set() {
		a.Tuning = &Tuning{V: d.Tuning.V, Tau2: d.Tuning.Tau2}
	}
	c := stats.Compare(treatment, control, d)
	a.Control, a.Treatment = estimate(c.Control), estimate(c.Treatment)
	difference := differenceOf(c.Difference)
	a.Difference = &difference
	a.Welch = &Welch{T: c.Welch.T.Ptr(), DF: c.Welch.DF.Ptr(), P: c.Welch.P.Ptr(), Interval: c.Welch.Interval.Ptr()}
	lift := liftOf(c.Lift)
	if c.Lift.SE.OK && c.Lift.SE.V > 0 && c.Welch.DF.OK {
		lift.PWelch = stats.Known(stats.StudentTwoSidedP(c.Lift.Value.V/c.Lift.SE.V, c.Welch.DF.V)).Ptr()
		lift.IntervalWelch = stats.LiftInterval(stats.Delta, c.Treatment, c.Control, stats.StudentUpper(r.Alpha/2, c.Welch.DF.V)).Ptr()
	}
	a.Lift = &lift
	a.State = string(c.State)
	for _, reason := range c.Reasons {
		a.Reasons = append(a.Reasons, string(reason))
	}
	if c.CUPED != nil {
		a.CUPED = &CUPED{Theta: c.CUPED.Theta.Ptr(), Difference: differenceOf(c.CUPED.Difference), Lift: liftOf(c.CUPED.Lift)}
	}
	if d.Limit != nil {
		a.Guardrail = guardrail(c, d, r.Alpha)
	}
	return nil
}

// guardrail is the word and its opposite, as in a published row.
func guardrail(c stats.Comparison, d stats.Design, alpha float64) *Guardrail {
	g := &Guardrail{Limit: d.Limit.Value, Unit: "absolute", State: string(c.Guardrail)}
	if d.Limit.Relative {
		g.Unit = "relative"
	}
	o := stats.NonInferiority(c, *d.Limit, d.Tuning, alpha)
	if !o.Z.OK {
		return g
	}
	g.NonInferiority = &NonInferiority{Verdict: "not_shown", Z: o.Z.Ptr(), P: o.P.Ptr(), PAlways: o.PAlways.Ptr(), Bound: o.Bound.Ptr(), BoundAlways: o.BoundAlways.Ptr()}
	switch c.State {
	case stats.Better, stats.Worse, stats.NotClear:
		if o.BoundAlways.OK && o.BoundAlways.V < 0 {
			g.NonInferiority.Verdict = "shown"
		}
	}
	return g
}

func estimate(e stats.Estimate) *Estimate {
	return &Estimate{N: e.N, Value: e.Value.Ptr(), SE: e.SE.Ptr()}
}

func differenceOf(t stats.Test) Difference {
	return Difference{
		Value: t.Value.Ptr(), SE: t.SE.Ptr(), Z: t.Z.Ptr(), P: t.P.Ptr(), Log10P: t.Log10P.Ptr(), Interval: t.Interval.Ptr(),
		PAlways: t.Always.P.Ptr(), LogE: t.Always.LogE.Ptr(), K: t.Always.K.Ptr(), IntervalAlways: t.Always.Interval.Ptr(),
	}
}

func liftOf(l stats.Lift) Lift {
	return Lift{Value: l.Value.Ptr(), SE: l.SE.Ptr(), Interval: l.Interval.Ptr(), IntervalAlways: l.IntervalAlways.Ptr(), Method: string(l.Method)}
}

func (a *Answer) split(r Request) error {
	weights := r.Weights
	if weights == nil {
		for range r.Counts {
			weights = append(weights, 1)
		}
	}
	s, err := stats.SampleRatio(r.Counts, weights, stats.SRMOptions{})
	if err != nil {
		return err
	}
	a.SRM = &SRM{
		Chi2: s.Chi2.Ptr(), DF: s.DF, P: s.P.Ptr(), PSequential: s.PSequential.Ptr(), LogBF: s.LogBF.Ptr(), State: string(s.State),
	}
	return nil
}

func (a *Answer) adjust(r Request) error {
	for i, p := range r.P {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("p[%d] is %v; a p-value lies between 0 and 1: %w", i, p, ErrRequest)
		}
	}
	for i, e := range r.LogE {
		if math.IsNaN(e) || math.IsInf(e, 1) {
			return fmt.Errorf("log_e[%d] is %v; it must be a number: %w", i, e, ErrRequest)
		}
	}
	only := func(name string) bool { return r.Correction == "" || r.Correction == name }
	m := &Multiplicity{}
	switch r.Correction {
	case "", "ebh":
	case "bonferroni", "holm", "bh":
		if r.P == nil {
			return fmt.Errorf("correction %s adjusts p-values; give p, or correction ebh for log_e: %w", r.Correction, ErrRequest)
		}
	default:
		return fmt.Errorf("correction is %q; bonferroni, holm, bh and ebh are known: %w", r.Correction, ErrRequest)
	}
	if r.P != nil && only("bonferroni") {
		m.Bonferroni = stats.Bonferroni(r.P)
	}
	if r.P != nil && only("holm") {
		m.Holm = stats.Holm(r.P)
	}
	if r.P != nil && only("bh") {
		m.BH = stats.BenjaminiHochberg(r.P)
	}
	logE := r.LogE
	if logE == nil && r.Correction == "ebh" {
		for _, p := range r.P {
			logE = append(logE, -math.Log(p)) // an always-valid p is 1/e
		}
	}
	if logE != nil && only("ebh") {
		m.EBH = stats.EBenjaminiHochberg(logE, r.Alpha)
	}
	a.Multiplicity = m
	return nil
}
