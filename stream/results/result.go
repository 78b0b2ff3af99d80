package results

import (
	"time"

	"github.com/tidemark/tidemark/stats"
)

// Result is one experiment at one instant: the public shape of DESIGN §3.1, the same in the API, SSE, the topic and files.
type Result struct {
	Experiment string            `json:"experiment"`
	Name       string            `json:"name,omitempty"`
	Owner      string            `json:"owner,omitempty"`
	State      string            `json:"state,omitempty"` // draft, running, ended, stopped
	Definition string            `json:"definition"`
	AsOf       time.Time         `json:"as_of"`
	Watermark  *time.Time        `json:"watermark"`
	Positions  map[string]int64  `json:"positions"`
	Complete   bool              `json:"complete"`
	Alpha      float64           `json:"alpha"`
	Tuning     map[string]Tuning `json:"tuning"` // by metric/variant of the whole
	Subjects   map[string]int64  `json:"subjects"`
	Crossovers int64             `json:"crossovers"`
	SRM        SRM               `json:"srm"`
	Ledger     Ledger            `json:"ledger"`
	Reasons    []string          `json:"reasons,omitempty"`
	// Correction is the experiment's for many comparisons; left out if it has none.
	Correction string `json:"correction,omitempty"`
	// Levels are the experiment's levels, oldest first, where there has been more than one; then Reasons has ReasonLevelChanged.
	Levels []Level `json:"levels,omitempty"`
	// FinalLook says where the one look at the planned end stands; only with sequential: {final_look: true}.
	FinalLook *FinalLook `json:"final_look,omitempty"`
	Rows      []Row      `json:"rows"`
	// Facts are the tunings, by Row.Key, that this evaluation set and that were not in its Inputs. Whoever evaluates
	// live keeps them and gives them back as Inputs.Facts.
	Facts map[string]Tuning `json:"-"`
	// NewLevel is the level under which this is the first result; whoever evaluates live keeps it, and gives it back in Inputs.Levels.
	NewLevel *Level `json:"-"`
}

// Tuning is the dated fact behind an always-valid interval: the intrinsic time v* at which it is tightest.
type Tuning struct {
	V float64 `json:"v,omitempty"`
	// VCUPED is v* of the difference adjusted by the pre-period.
	VCUPED float64 `json:"v_cuped,omitempty"`
	// Tau2 is the fixed prior of the definition, instead of v*.
	Tau2 float64 `json:"tau2,omitempty"`
	// Lower and Upper are a winsorized metric's frozen range, in the unit of its numerator; only in the metric's own fact.
	Lower string `json:"lower,omitempty"`
	Upper string `json:"upper,omitempty"`
	// Set is when it was set; null for a definition's tau2, and where data was analysed with its own final v*.
	Set *time.Time `json:"set,omitempty"`
	// Definition is the metric's hash when it was set; a fact of another definition does not count.
	Definition string `json:"definition,omitempty"`
	// Final is the row's one look at the planned end, once it has been; only with sequential: {final_look: true}.
	Final *Final `json:"final,omitempty"`

	own bool // analyze took it from the data that it judges
}

// FinalLook is the experiment's one look at its planned end, for which half of each row's level is kept.
type FinalLook struct {
	End time.Time `json:"end"`
	// State is to_come or done. It is due when Reached, the event time up to which everything is there, is End or later.
	State   string     `json:"state"`
	Reached *time.Time `json:"reached"`
}

// Final is what the one classical look at the planned end found. It is a dated fact: looked at again, it would be no test.
type Final struct {
	// Set is when it was; null where data was analysed as final.
	Set *time.Time `json:"set,omitempty"`
	// Value, P and Interval are the difference then, its fixed-horizon p, and its interval at half of the row's level; null if
	// the row was still collecting, which is then its outcome.
	Value    *float64 `json:"value"`
	P        *float64 `json:"p"`
	Interval Interval `json:"interval"`
	// Rejected: p is at most half of the row's level.
	Rejected bool `json:"rejected"`
}

// SRM is the sample ratio check over all variants with weight > 0. With a ramp each epoch is held against its own weights.
type SRM struct {
	Chi2        *float64 `json:"chi2"`
	DF          int      `json:"df"`
	P           *float64 `json:"p"`
	PSequential *float64 `json:"p_sequential"`
	State       string   `json:"state"` // ok, failed, collecting
	// Slices are the values of subject dimensions in which the split is off though it may be right on the whole; left out if
	// there are none.
	Slices []SRMSlice `json:"slices,omitempty"`
	// Epochs are the stretches of a ramp in the order of time, those to come too; left out without a ramp.
	Epochs []SRMEpoch `json:"epochs,omitempty"`
}

// SRMSlice is a value of a dimension whose own sample ratio check failed.
type SRMSlice struct {
	Dimension string           `json:"dimension"`
	Value     string           `json:"value"`
	Subjects  map[string]int64 `json:"subjects"`
	// PSequential is always-valid, before it is held against the level divided by the number of values tested.
	PSequential *float64 `json:"p_sequential"`
}

// Ledger is where every record and event of the experiment's inputs went.
type Ledger struct {
	Records map[string]RecordLedger `json:"records"`
	Events  map[string]EventLedger  `json:"events"`
}

// RecordLedger: read = rejected + evaluated.
type RecordLedger struct {
	Read      int64            `json:"read"`
	Rejected  int64            `json:"rejected"`
	Evaluated int64            `json:"evaluated"`
	Reasons   map[string]int64 `json:"reasons,omitempty"`
}

// EventLedger: evaluated = filtered + rejected + late + duplicate + accepted, accepted = counted + outside + unexposed.
type EventLedger struct {
	Evaluated  int64            `json:"evaluated"`
	Filtered   int64            `json:"filtered"`
	Rejected   int64            `json:"rejected"`
	Late       int64            `json:"late"`
	Duplicate  int64            `json:"duplicate"`
	IDConflict int64            `json:"id_conflict"`
	Accepted   int64            `json:"accepted"`
	Unexposed  int64            `json:"unexposed"`
	Outside    int64            `json:"outside"`
	Counted    int64            `json:"counted"`
	Reasons    map[string]int64 `json:"reasons,omitempty"`
}

// Row is one metric in one slice for one treatment against control.
type Row struct {
	Metric     string            `json:"metric"`
	Definition string            `json:"definition"`
	Role       string            `json:"role"`
	Slice      map[string]string `json:"slice"`
	Variant    string            `json:"variant"`
	Control    string            `json:"control"`
	ByVariant  map[string]Arm    `json:"by_variant"`
	Difference Difference        `json:"difference"`
	Welch      Welch             `json:"welch"`
	Lift       Lift              `json:"lift"`
	CUPED      *CUPED            `json:"cuped,omitempty"`
	Guardrail  *Guardrail        `json:"guardrail"`
	State      string            `json:"state"`
	Reasons    []string          `json:"reasons"`
	// Format and Direction are the metric's: how its values are written (see Value), and which way is good.
	Format    string `json:"format,omitempty"`
	Direction string `json:"direction,omitempty"`
	// Tuning is the fact behind the row's always-valid numbers; null while there is none.
	Tuning *Tuning `json:"tuning,omitempty"`

	// Alpha is the level at which the row's state is decided, where that is not the experiment's: its share of the
	// experiment's error rate.
	Alpha float64 `json:"alpha,omitempty"`
	// AlphaAlways is the level of interval_always, where that is not the row's: half of it, where the other half is kept
	// for one look at the planned end.
	AlphaAlways float64 `json:"alpha_always,omitempty"`
	// PAdjusted is the always-valid p after the experiment's correction; left out without one, and in slices.
	PAdjusted *float64 `json:"p_adjusted,omitempty"`
	// Q is the false discovery rate at which a row of a slice stands out among all slices of its metric, by current
	// e-values (e-BH); left out for the whole. Slices explore: they decide nothing.
	Q *float64 `json:"q,omitempty"`
	// Stratified is the difference post-stratified by the leaf cells of the subject dimensions; on the whole only.
	Stratified *Difference `json:"stratified,omitempty"`
	// Power says what can be seen with the row's data, and what is missing; on the whole only.
	Power *Power `json:"power,omitempty"`
	// Clip is the range a subject's total is clipped to, where the metric has one.
	Clip *Clip `json:"clip,omitempty"`
	// Quantile is the metric's, for a quantile metric: by_variant's values are then quantiles of events.
	Quantile float64 `json:"quantile,omitempty"`
	// Across is subjects for a metric that counts distinct values over all subjects of an arm: by_variant's values are then estimates of
	// that, and there is no test.
	Across string `json:"across,omitempty"`
	// Warnings are what an analyst should look at before believing the row.
	Warnings []Warning `json:"warnings,omitempty"`

	key  string // Key, made once
	same *Row   // the evaluation that this row is a copy of

	// For what is said of several rows together (correction.go).
	word   string       // State before the correction
	seq    *float64     // Difference.PAlways as it would be without the final look
	looked bool         // word is the final look's
	e      stats.Number // ln of the current e-value
	look   uint64       // the Evaluator's, when this was made
	fact   *Tuning      // the fact with which evaluating again would say the same
}

// Arm holds the exact moments of one variant in the row's slice. Sums are decimal strings in the parameter's own unit.
type Arm struct {
	N int64 `json:"n"`
	// NonZero is how many of the N have a value: a numerator other than 0.
	NonZero   int64  `json:"nonzero,omitempty"`
	SumNum    string `json:"sum_num"`
	SumDen    string `json:"sum_den"`
	SumNum2   string `json:"sum_num2"`
	SumDen2   string `json:"sum_den2"`
	SumNumDen string `json:"sum_numden"`
	SumPre    string `json:"sum_pre,omitempty"`
	SumPre2   string `json:"sum_pre2,omitempty"`
	SumNumPre string `json:"sum_numpre,omitempty"`
	SumDenPre string `json:"sum_denpre,omitempty"`
	// The pre-period's denominators, for ratios only.
	SumPreDen    string `json:"sum_preden,omitempty"`
	SumPreDen2   string `json:"sum_preden2,omitempty"`
	SumPrePreDen string `json:"sum_prepreden,omitempty"`
	SumNumPreDen string `json:"sum_numpreden,omitempty"`
	SumDenPreDen string `json:"sum_denpreden,omitempty"`

	Value *float64 `json:"value"`
	SE    *float64 `json:"se"`
	// SketchError is the standard error by which the sketch of a metric across subjects may miss the number of distinct values in the
	// data. It says nothing of other subjects, as SE does.
	SketchError *float64 `json:"sketch_error,omitempty"`
	Approximate int64    `json:"approximate,omitempty"`
	Overflowed  int64    `json:"overflowed,omitempty"`
}

// Interval is [low, high]; null where it can't be computed or is infinite.
type Interval *[2]float64

// Difference is treatment − control.
type Difference struct {
	Value *float64 `json:"value"`
	SE    *float64 `json:"se"`
	// SEAlways is the standard error that the always-valid numbers are made of, absent where that is SE.
	SEAlways       *float64 `json:"se_always,omitempty"`
	Z              *float64 `json:"z"`
	P              *float64 `json:"p"`
	Interval       Interval `json:"interval"`
	PAlways        *float64 `json:"p_always"`
	IntervalAlways Interval `json:"interval_always"`
}

// Welch is the t-test beside z.
type Welch struct {
	T        *float64 `json:"t"`
	DF       *float64 `json:"df"`
	P        *float64 `json:"p"`
	Interval Interval `json:"interval"`
}

// Lift is treatment / control − 1.
type Lift struct {
	Value          *float64 `json:"value"`
	Interval       Interval `json:"interval"`
	IntervalAlways Interval `json:"interval_always"`
	Method         string   `json:"method"`
}

// CUPED is the difference adjusted by the pre-period; θ within arms.
type CUPED struct {
	Theta      *float64   `json:"theta"`
	Difference Difference `json:"difference"`
	Lift       *Lift      `json:"lift,omitempty"`
}

// Guardrail is the limit and the word for where the result stands to it.
type Guardrail struct {
	Limit float64 `json:"limit"`
	Unit  string  `json:"unit"` // relative, absolute
	State string  `json:"state"`
	// NonInferiority is the opposite question: is it shown that the harm is within the limit? Null while it can't be asked.
	NonInferiority *NonInferiority `json:"non_inferiority,omitempty"`
}

// NonInferiority is the one-sided test that a result is short of its guardrail's limit. Bounds are in the metric's unit, as
// the distance from the limit on its harmful side: below 0 is within.
type NonInferiority struct {
	// Verdict is shown or not_shown, by the always-valid bound.
	Verdict     string   `json:"verdict"`
	Z           *float64 `json:"z"`
	P           *float64 `json:"p"`
	PAlways     *float64 `json:"p_always"`
	Bound       *float64 `json:"bound"`
	BoundAlways *float64 `json:"bound_always"`
}

// Power says what effect the row's data can show. Effects are in the metric's unit, lifts beside them; all at a power of 80 %
// and the row's level.
type Power struct {
	// MDE is the smallest effect that the always-valid test would show at the present size, MDEFixed that of one look.
	MDE          *float64 `json:"mde"`
	MDELift      *float64 `json:"mde_lift"`
	MDEFixed     *float64 `json:"mde_fixed"`
	MDEFixedLift *float64 `json:"mde_fixed_lift"`
	// Subjects is how many subjects over both arms the always-valid test needs to show Lift, the experiment's mde; null
	// without one.
	Lift     *float64 `json:"lift"`
	Subjects *int64   `json:"subjects"`
}

// Clip is the range to which each subject's total is clipped. From a percentile it is a dated fact: the percentile of all
// variants' subjects at the instant Set, frozen then.
type Clip struct {
	Lower           *float64   `json:"lower"`
	Upper           *float64   `json:"upper"`
	LowerPercentile *float64   `json:"lower_percentile,omitempty"`
	UpperPercentile *float64   `json:"upper_percentile,omitempty"`
	Set             *time.Time `json:"set,omitempty"`
}

// Warning is something about a row that its interval does not know.
type Warning struct {
	// Code is one of heterogeneity, mix_shift, pre_exposure_bias, suspicious_lift, novelty.
	Code string `json:"code"`
	// Dimension is the one concerned, "" for none.
	Dimension string   `json:"dimension,omitempty"`
	P         *float64 `json:"p,omitempty"`
	// Text says it in a sentence.
	Text string `json:"text"`
}
