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
	Value *float64 `json:"value"`
	SE    *float64 `json:"se"`
	// SEAlways is the standard error that the always-valid numbers are made of, absent where that is SE.
	SEAlways       *float64    `json:"se_always,omitempty"`
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

// Multiplicity has the request's p-values adjusted, in their order, and what e-BH rejects at alpha.
type Multiplicity struct {
	Bonferroni []float64 `json:"bonferroni,omitempty"`
	Holm       []float64 `json:"holm,omitempty"`
	BH         []float64 `json:"bh,omitempty"`
	EBH        []bool    `json:"ebh,omitempty"`
	// EBHAdjusted are the e-values adjusted, so that EBH is where they are at most alpha.
	EBHAdjusted []float64 `json:"ebh_adjusted,omitempty"`
	// LogE are the e-values that EBH was decided by, as ln e, if they were calibrated from p. An e-value of 0 has none.
	LogE []float64 `json:"log_e,omitempty"`
	// Calibrator is how they were.
	Calibrator string `json:"calibrator,omitempty"`
}

// calibrator is stats.CalibratedLogE in words.
const calibrator = "e = (1 - p + p ln p) / (p (ln p)^2)"

// Run answers a request. It returns ErrRequest, stats.ErrWeights or stats.ErrPlan, saying what is wrong.
func Run(r Request) (*Answer, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	a := &Answer{Alpha: r.alpha()}
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
	if r.P != nil || r.E != nil || r.LogE != nil {
		if err := a.adjust(r); err != nil {
			return nil, fmt.Errorf("calc: %w", err)
		}
	}
	if r.Power != nil {
		p, err := r.Power.run(a.Alpha)
		if err != nil {
			return nil, fmt.Errorf("calc: %w", err)
		}
		a.Power = p
	}
	return a, nil
}

func (a *Answer) compare(r Request) error {
	if err := r.Control.complete("control", r.Treatment); err != nil {
		return err
	}
	if err := r.Treatment.complete("treatment", r.Control); err != nil {
		return err
	}
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
	d := r.design(sc)
	subjects := int64(10000)
	if r.Subjects != nil {
		subjects = *r.Subjects
	}
	d.CUPED = control.HasBefore() || treatment.HasBefore()
	if r.Tuning.VCUPED != nil && !d.CUPED {
		return fmt.Errorf("tuning.v_cuped is of the adjusted difference, which needs sums of the pre-period; leave it out or give sum_pre, sum_pre2 and sum_numpre: %w", ErrRequest)
	}
	if !d.Tuning.Set() {
		d.Tuning.V, _ = stats.Tune(treatment, control, sc, subjects)
		if d.CUPED {
			d.CUPEDTuning.V, _ = stats.TuneCUPED(treatment, control, sc, subjects)
		}
	}
	if d.Tuning.Set() {
		a.Tuning = tuning(d)
	}
	c := stats.Compare(treatment, control, d)
	a.Control, a.Treatment = estimate(c.Control), estimate(c.Treatment)
	difference := differenceOf(c.Difference)
	a.Difference = &difference
	a.Welch = &Welch{T: c.Welch.T.Ptr(), DF: c.Welch.DF.Ptr(), P: c.Welch.P.Ptr(), Interval: c.Welch.Interval.Ptr()}
	lift := liftOf(c.Lift)
	if c.Lift.SE.OK && c.Lift.SE.V > 0 && c.Welch.DF.OK {
		lift.PWelch = stats.Known(stats.StudentTwoSidedP(c.Lift.Value.V/c.Lift.SE.V, c.Welch.DF.V)).Ptr()
		lift.IntervalWelch = stats.LiftInterval(stats.Delta, c.Treatment, c.Control, stats.StudentUpper(a.Alpha/2, c.Welch.DF.V)).Ptr()
	}
	a.Lift = &lift
	a.State = string(c.State)
	for _, reason := range c.Reasons {
		a.Reasons = append(a.Reasons, string(reason))
	}
	if d.Boundary.Student && c.State == stats.Collecting && d.Tuning.Set() && c.Difference.Z.OK && !c.Difference.Always.Interval.OK {
		a.Reasons = append(a.Reasons, "little_information")
	}
	if c.CUPED != nil {
		a.CUPED = &CUPED{Theta: c.CUPED.Theta.Ptr(), Difference: differenceOf(c.CUPED.Difference), Lift: liftOf(c.CUPED.Lift)}
	}
	if d.Limit != nil {
		a.Guardrail = guardrail(c, d, a.Alpha)
	}
	return nil
}

// tuning is what the always-valid tests were tuned by: τ², or v* of the difference and that of the adjusted one.
func tuning(d stats.Design) *Tuning {
	if d.Tuning.Tau2 > 0 {
		return &Tuning{Tau2: &d.Tuning.Tau2}
	}
	t := &Tuning{V: &d.Tuning.V}
	if d.CUPED && d.CUPEDTuning.V > 0 {
		t.VCUPED = &d.CUPEDTuning.V
	}
	return t
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
		Value: t.Value.Ptr(), SE: t.SE.Ptr(), SEAlways: t.SEAlways.Ptr(), Z: t.Z.Ptr(), P: t.P.Ptr(), Log10P: t.Log10P.Ptr(), Interval: t.Interval.Ptr(),
		PAlways: t.Always.P.Ptr(), LogE: t.Always.LogE.Ptr(), K: t.Always.K.Ptr(), IntervalAlways: t.Always.Interval.Ptr(),
	}
}

func liftOf(l stats.Lift) Lift {
	return Lift{Value: l.Value.Ptr(), SE: l.SE.Ptr(), Interval: l.Interval.Ptr(), IntervalAlways: l.IntervalAlways.Ptr(), Method: string(l.Method)}
}

func (a *Answer) split(r Request) error {
	if len(r.Counts) < 2 {
		return fmt.Errorf("counts has %d; a split is over two variants at least: %w", len(r.Counts), ErrRequest)
	}
	weights := r.Weights
	if weights == nil {
		for range r.Counts {
			weights = append(weights, 1)
		}
	}
	planned := 0
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("weights[%d] is %v; it must be a number from 0 on: %w", i, w, ErrRequest)
		}
		if w > 0 {
			planned++
		}
	}
	if len(weights) == len(r.Counts) && planned < 2 {
		return fmt.Errorf("weights has %d above 0; two variants at least must be planned to have subjects: %w", planned, ErrRequest)
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
