package catalog

import (
	"slices"

	"github.com/tidemark/tidemark/catalog/sql"
)

// Plan is what the shards of one subject type compute: the definitions that concern it, compiled to small integers.
// It is immutable. Times are microseconds since 1970 UTC, durations microseconds.
type Plan struct {
	Subject string
	Hash    Hash // of everything that shapes the state
	Sources []*Source
	// Direct says, for each source, that its partitioning is by this subject; else it is re-keyed first. Files are never direct.
	Direct      []bool
	Events      []PlanEvent
	Measures    []Measure
	Experiments []PlanExperiment
}

// PlanEvent is an event as the shards of this subject type see it.
type PlanEvent struct {
	*Event
	Source        int // index into Plan.Sources
	SubjectColumn int // index into Query.Columns
	TimeColumn    int // -1 only for a profile event without event_time: valid since ever
	IDColumn      int // -1: coordinates are the identity
	// Lateness is how far behind its arrival an accepted event may be: the source's L, or for an event that is only
	// an exposure the largest Lx of its experiments if that is smaller.
	Lateness int64
	Profile  bool
	// Exposures are the experiments whose exposure this event is.
	Exposures []int
	// Measures that read this event.
	Measures []int
	// Dimensions are the columns kept with each of its measures because some experiment slices by them (event dimensions).
	Dimensions []int
	// ProfileColumns are the columns of a profile event that serve as subject dimensions.
	ProfileColumns []int
}

// Measure is one aggregate over one event, shared by all metrics that need it.
type Measure struct {
	Event  int
	Agg    Agg
	Column int            // value column; -1 where none is needed
	Where  *sql.Predicate // nil: all
	Scale  int            // decimal scale of the values: 0 for counts and distinct counts
	// Presence: COUNT of all events of Event before any where; it only says in which event-dimension cells a subject is.
	Presence bool
}

// PlanExperiment is an experiment, compiled.
type PlanExperiment struct {
	*Experiment
	Exposure      int // index into Plan.Events
	VariantColumn int
	Control       int   // index into Variants
	Start, Stop   int64 // Stop is MaxInt64 if none
	Lateness      int64 // Lx
	PrePeriod     int64
	// Cuts are the instants at which the planned weights change (Ramp), rising. Subjects first exposed from Cuts[k] on, up to the
	// next one, are counted once more by themselves (EpochMetric).
	Cuts []int64
	// Dimensions in the order of Experiment.Slices; bit i of a grouping mask is Dimensions[i].
	Dimensions []PlanDimension
	Metrics    []PlanMetric
}

// EpochMetric is the number under which a cell counts the exposed subjects of epoch k, those first exposed from Cuts[k−1] on, up
// to Cuts[k]. Epoch 0, before the first cut, has none: it is all exposed subjects less those of the others.
func (x *PlanExperiment) EpochMetric(k int) int { return len(x.Metrics) + k - 1 }

// Epoch returns the epoch of a first exposure at t0.
func (x *PlanExperiment) Epoch(t0 int64) int {
	k, found := slices.BinarySearch(x.Cuts, t0)
	if found {
		k++
	}
	return k
}

// DimensionKind says where a dimension's value comes from.
type DimensionKind int

const (
	ExposureDimension DimensionKind = iota // a column of the exposure event: the value at t0
	ProfileDimension                       // a column of a profile event: the latest at or before t0
	EventDimension                         // a column of the metrics' events
)

// PlanDimension is one slice dimension of an experiment.
type PlanDimension struct {
	Dimension
	Kind  DimensionKind
	Event int // exposure or profile event; -1 for an event dimension of every metric event
	// Column of Event; for an EventDimension Columns[event] is its column there, -1 where the event lacks it.
	Column  int
	Columns map[int]int
}

// PlanMetric is a metric in an experiment, compiled.
type PlanMetric struct {
	MetricUse
	Hash Hash
	// Numerator and Denominator are measures; -1 is TRIGGERED (1 per exposed subject).
	Numerator, Denominator int
	// Presence are the presence measures of the events it reads; filled when the experiment has event dimensions.
	Presence []int
	Ordered  bool
	Window   int64 // 0: none. For an ordered metric it runs from the denominator event, else from t0
	// Strict: a subject contributes nothing until its window, which runs from t0, is over and can no longer change.
	Strict bool
	// Dimensions is the mask of the experiment's dimensions that this metric is sliced by.
	Dimensions uint
	// Quantile is which quantile of the events the metric is, in (0, 1); 0: it is none.
	Quantile float64
	// Across: the metric is how many distinct values the numerator's events have over all subjects of a cell.
	Across bool
	// Clip is the range of a subject's numerator total, at the numerator's scale; nil: none.
	Clip *ClipRange
}
