package catalog

import (
	"time"

	"github.com/tidemark/tidemark/catalog/sql"
)

// Position is a place in a definition file; Line and Column start at 1, Column counts characters.
type Position struct {
	File         string
	Line, Column int
}

// Hash identifies a meaning: SHA-256 over a canonical typed tree.
type Hash [32]byte

// Set is everything a directory of definitions says. A Set that Load returned without errors is valid: every
// reference resolves. Slices are sorted by id.
type Set struct {
	Sources     []*Source
	Events      []*Event
	Metrics     []*Metric
	Experiments []*Experiment
	Alerts      []*Alert
	Receivers   []*Receiver
}

// Format of a source's records.
type Format string

const (
	JSON Format = "json"
	CSV  Format = "csv"
)

// Source is where records come from: Kafka topics or bounded files, never both.
type Source struct {
	ID     string
	Pos    Position
	Format Format
	// Topics of a Kafka source, in the order written; empty for files.
	Topics []string
	// KeyedBy names the column (subject) that keys the topic; empty means the source is re-keyed first.
	KeyedBy string
	// Files are absolute paths after globbing, sorted; empty for Kafka. Globs are the patterns as written.
	Files, Globs []string
	// Lateness is L of DESIGN §5; for files it is NoLateness unless asked for.
	Lateness time.Duration
	// LatenessSet says that the file names a lateness for a bounded source.
	LatenessSet              bool
	Profile                  bool
	Location                 *time.Location // for times without a zone
	Owner, Team, Description string

	// What the source means and where it lies, fixed when it was loaded: UseFiles does not change them.
	meaning, origin []leaf
	at              *node // its id, for findings that need more than files
}

// NoLateness is the lateness of a source whose records are never late.
const NoLateness = time.Duration(1<<63 - 1)

// Event is one stateless SELECT over one source. Its columns are Query.Columns; the columns named event_time and
// event_id have their fixed meaning, any other may serve as subject, variant, dimension or value.
type Event struct {
	ID                       string
	Pos                      Position
	Source                   *Source
	Query                    *sql.Query
	Owner, Team, Description string
	Dependencies             []string
}

// Agg is how a subject's events become a number.
type Agg string

const (
	Sum           Agg = "SUM"
	Count         Agg = "COUNT"
	CountDistinct Agg = "COUNT_DISTINCT"
	Max           Agg = "MAX"
	Min           Agg = "MIN"
	Exists        Agg = "EXISTS"
	// Quantile is not a total of a subject: the metric is the quantile of all events of an arm, and the subjects are what
	// its error is known by.
	Quantile Agg = "QUANTILE"
)

// Triggered is the built-in event: a subject's first exposure, one per exposed subject.
const Triggered = "TRIGGERED"

// Term is a numerator or denominator.
type Term struct {
	Event *Event // nil: TRIGGERED
	Agg   Agg
	Value string // column; for COUNT and EXISTS it may be any column
	// Quantile is which one, in (0, 1), for the aggregate of that name.
	Quantile float64
	// Across: the metric is how many distinct values all subjects of an arm have together, not the mean of each one's number.
	Across bool
	Where  *sql.Predicate // over the event's columns; nil: all
}

// Direction in which a metric is good.
type Direction string

const (
	Up     Direction = "up"
	Down   Direction = "down"
	Either Direction = "none"
)

// Metric is a per-subject quantity and how it is averaged.
type Metric struct {
	ID                                      string
	Pos                                     Position
	Subjects                                []string
	Type                                    string // CONTINUOUS, BINOMIAL; changes no arithmetic
	Numerator                               Term
	Denominator                             *Term    // nil: TRIGGERED (a mean)
	Slices                                  []string // nil: all of the experiment's
	Direction                               Direction
	Format                                  string
	Ordered                                 bool          // order: after_denominator, resolved
	Window                                  time.Duration // 0: none
	Strict                                  bool          // a subject enters once, when its window is over
	ExcludeNone                             bool          // none: exclude
	Cap                                     Bounds        // of a subject's numerator total
	Winsorize                               *Winsorize    // nil: none
	Name, Owner, Team, Description, Runbook string
	Tags                                    []string
	// Deprecated metrics still compute; Replacement is what to use instead, if said.
	Deprecated  bool
	Replacement string

	hash Hash // kept by Load: pages ask for it at every look
}

// Role of a metric in an experiment.
type Role string

const (
	Goal      Role = "goal"
	Secondary Role = "secondary"
	Guardrail Role = "guardrail"
)

// Limit of a guardrail: Value as a lift (Relative, +5% = 0.05) or an absolute difference; the sign is the harmful direction.
type Limit struct {
	Value    float64
	Relative bool
	Text     string // as written
}

// MetricUse is a metric in an experiment.
type MetricUse struct {
	Metric *Metric
	Role   Role
	Limit  *Limit // guardrails
}

// Variant is an arm with its planned weight.
type Variant struct {
	ID     string
	Weight float64
}

// Dimension is a slice of an experiment: a bare name, or {dimension, of}.
type Dimension struct {
	Name   string
	Of     string   // OfEvent or an event's id, when said explicitly
	Values []string // for event dimensions beyond the bound

	// Where the value comes from, resolved by Load: from is the exposure or profile event, nil for an event dimension.
	kind DimensionKind
	from *Event
}

// Crossover policy.
type Crossover string

const (
	Exclude Crossover = "exclude"
	First   Crossover = "first"
)

// Correction for many comparisons.
type Correction string

const (
	NoCorrection Correction = "none"
	Bonferroni   Correction = "bonferroni"
	Holm         Correction = "holm"
	BH           Correction = "bh"
	EBH          Correction = "ebh"
)

// LiftMethod is how a lift's interval is made.
type LiftMethod string

const (
	Fieller  LiftMethod = "fieller"
	Delta    LiftMethod = "delta"
	LogDelta LiftMethod = "log"
)

// Experiment is a question and its arms.
type Experiment struct {
	ID       string
	Pos      Position
	Subject  string
	Exposure struct {
		Event    *Event
		Variant  string // column
		Where    *sql.Predicate
		Lateness time.Duration // Lx
	}
	Variants []Variant // sorted by id, with the weights from Start on
	// Ramp are the steps at which the weights change, in the order of time.
	Ramp       []RampStep
	Control    string
	Start      time.Time
	End, Stop  time.Time   // zero: not given
	Metrics    []MetricUse // goals, secondary, guardrails, each in the order written
	Slices     []Dimension
	Crossover  Crossover
	PrePeriod  time.Duration // whole days; 0: no CUPED
	Alpha      float64
	Sequential struct {
		Subjects int64   // default 10,000
		Tau2     float64 // > 0 fixes the prior instead
		// Student makes the always-valid test know that variances are estimated (mixture: student).
		Student bool
		// FinalLook keeps half of Alpha for one classical look at End.
		FinalLook bool
	}
	Correction Correction
	// Fixed: the fixed-horizon interval decides the state words (stats: {interval: fixed}).
	Fixed bool
	// Lift is how intervals of lifts are made; "" means fieller.
	Lift LiftMethod
	// SRMDeviation is the smallest relative deviation of an arm's subjects from the plan that fails the sample ratio check.
	SRMDeviation float64
	// Inactive: kept, but it costs nothing (active: false).
	Inactive bool
	// MDE is the smallest lift worth finding; 0: not said.
	MDE                                        float64
	Name, Owner, Team, Description, Hypothesis string
	Tags                                       []string

	hash Hash // kept by Load
}

// Severity of an alert.
type Severity string

// Condition of an alert: exactly one of the four.
type Condition struct {
	Guardrail     string        // "crossed" or "near"
	Metric, State string        // metric id and a state word
	SRM           string        // "failed"
	Stale         time.Duration // data older than this
}

// Alert is a rule on experiments.
type Alert struct {
	ID                          string
	Pos                         Position
	All                         bool
	Experiments                 []string
	When                        Condition
	For                         time.Duration
	MinSubjects                 int64
	Severity                    Severity // critical error warning info
	Summary                     string   // text/template
	Receivers                   []string
	Runbook, Owner, Description string
}

// Receiver is where notifications go; exactly one of the three is set. Secrets are files, never inline. Paths are absolute.
type Receiver struct {
	ID        string
	Pos       Position
	Slack     *struct{ URL, URLFile string }
	PagerDuty *struct{ RoutingKeyFile, URL string }
	Webhook   *struct{ URL, SecretFile string }
}
