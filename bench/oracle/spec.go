package oracle

import "math/big"

// Spec is one subject type's definitions in the plainest form.
type Spec struct {
	Events      []EventDef
	Experiments []Experiment
	// Clock is the final event clock of a subject's shard, as its state is told; nil: all inputs are bounded and have ended.
	// Only strict metrics depend on it.
	Clock func(subject string) int64
}

// EventDef is an event definition. Times and durations are microseconds.
type EventDef struct {
	ID       string
	Source   string
	Lateness int64 // L of its source; negative: never late
	// OnlyExposure says that no metric reads it, so that its lateness is bounded by its experiments' Lx.
	OnlyExposure bool
	Profile      bool
}

// Experiment as DESIGN §5 speaks of it.
type Experiment struct {
	ID          string
	Exposure    string            // event definition
	Where       func(Record) bool // nil: all
	Variants    []string
	Start, Stop int64 // Stop 0: none
	Lateness    int64 // Lx
	First       bool  // crossover policy first
	PrePeriod   int64 // 0: none
	// Ramp are the instants at which the planned weights change, rising.
	Ramp       []int64
	Dimensions []Dimension
	Metrics    []Metric
}

// Kind of a dimension.
type Kind int

// Where a dimension's value comes from.
const (
	Exposure Kind = iota
	Profile
	Event
)

// Dimension is a field of the exposure, of the profile event Of, or of the metrics' events.
type Dimension struct {
	Name string
	Kind Kind
	Of   string
}

// Metric with its terms. A nil Denominator is TRIGGERED.
type Metric struct {
	ID          string
	Numerator   Term
	Denominator *Term
	Ordered     bool
	Window      int64
	// Strict: a subject counts once its window, which runs from its first exposure, is over and can't change any more.
	Strict             bool
	ExcludeNone        bool
	NumScale, DenScale int
	// CapLower and CapUpper clip the numerator's total, in units of its scale; nil: no bound.
	CapLower, CapUpper *big.Int
	// Quantile: the metric is of the events' values, at ValueScale; num counts those up to the bin of Cut and den all.
	Quantile   bool
	ValueScale int
	Cut        *big.Int
	// Across: the metric is how many distinct values the cell's subjects have together; the sums are of each one's own number.
	Across bool
}

// Term is {event, agg, value, where}.
type Term struct {
	Event, Agg, Value string
	Where             func(Record) bool
}

// Record is one event of the log, decoded by whoever made it. A field that is absent is NULL.
type Record struct {
	Def       string
	Subject   string
	Time      int64 // microseconds
	HasID     bool
	ID        string
	Source    string
	Partition int
	Offset    int64
	Timestamp int64 // Kafka's, microseconds
	Variant   string
	Fields    map[string]string
}

// Key of a cell: one metric of one variant in one slice. Slice is "name=value" of the fixed dimensions joined by "&".
type Key struct{ Experiment, Variant, Slice, Metric string }

// Cell holds exact moments, scaled integers.
type Cell struct {
	N                            int64
	Num, Den, Num2, Den2, NumDen *big.Int
	Pre, Pre2, NumPre, DenPre    *big.Int
	// Values are those of the events of a quantile metric, in no order.
	Values []*big.Int
	// Sets are the distinct values of each subject, for a metric across subjects.
	Sets []map[string]bool
}

// EventLedger is where the events of one definition went for one experiment.
type EventLedger struct{ Late, Duplicate, Accepted, Counted, Outside, Unexposed int64 }

// Answer is everything that can be compared.
type Answer struct {
	Cells   map[Key]*Cell
	Exposed map[Key]int64 // Metric is empty
	// Epochs are those first exposed after the so many-th step of a ramp, and before the next; Metric is empty.
	Epochs     map[Key]map[int]int64
	Ledger     map[[2]string]EventLedger
	Crossovers map[string]int64
}
