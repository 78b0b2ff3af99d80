package results

import "time"

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
	Rows       []Row             `json:"rows"`
	// Facts are the tunings, by Row.Key, that this evaluation set and that were not in its Inputs. Whoever evaluates
	// live keeps them and gives them back as Inputs.Facts.
	Facts map[string]Tuning `json:"-"`
}

// Tuning is the dated fact behind an always-valid interval: the intrinsic time v* at which it is tightest.
type Tuning struct {
	V float64 `json:"v,omitempty"`
	// VCUPED is v* of the difference adjusted by the pre-period.
	VCUPED float64 `json:"v_cuped,omitempty"`
	// Tau2 is the fixed prior of the definition, instead of v*.
	Tau2 float64 `json:"tau2,omitempty"`
	// Set is when it was set; null for a definition's tau2, and where data was analysed with its own final v*.
	Set *time.Time `json:"set,omitempty"`
	// Definition is the metric's hash when it was set; a fact of another definition does not count.
	Definition string `json:"definition,omitempty"`
}

// SRM is the sample ratio check over all variants with weight > 0.
type SRM struct {
	Chi2        *float64 `json:"chi2"`
	DF          int      `json:"df"`
	P           *float64 `json:"p"`
	PSequential *float64 `json:"p_sequential"`
	State       string   `json:"state"` // ok, failed, collecting
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

	key  string // Key, made once
	same *Row   // the evaluation that this row is a copy of
}

// Arm holds the exact moments of one variant in the row's slice. Sums are decimal strings in the parameter's own unit.
type Arm struct {
	N         int64  `json:"n"`
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

	Value       *float64 `json:"value"`
	SE          *float64 `json:"se"`
	Approximate int64    `json:"approximate,omitempty"`
	Overflowed  int64    `json:"overflowed,omitempty"`
}

// Interval is [low, high]; null where it can't be computed or is infinite.
type Interval *[2]float64

// Difference is treatment − control.
type Difference struct {
	Value          *float64 `json:"value"`
	SE             *float64 `json:"se"`
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
}

// Guardrail is the limit and the word for where the result stands to it.
type Guardrail struct {
	Limit float64 `json:"limit"`
	Unit  string  `json:"unit"` // relative, absolute
	State string  `json:"state"`
}
