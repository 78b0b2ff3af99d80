package moment

// Point is what one subject contributes to one metric in one cell. The zero Point contributes nothing.
type Point struct {
	// In says that the subject is in the cell (it counts in n).
	In bool
	// Num and Den are the subject's numerator and denominator totals, fixed point at the metric's scales. For a mean Den is 1.
	Num, Den int64
	// Pre and PreDen are the same totals over the pre-period (CUPED); zero where the experiment has none.
	Pre, PreDen int64
	// Flags says what is special about the subject here.
	Flags Flags
}

// Flags of one subject's contribution to one metric.
type Flags uint8

const (
	// Approximate: a COUNT_DISTINCT of this subject is a HyperLogLog estimate.
	Approximate Flags = 1 << iota
	// Overflowed: a total left int64, so the subject is out of the cell (In is false) and only counted.
	Overflowed
	// OpenLimit: the subject's tail of undecided events hit its bound, so its totals may be wrong.
	OpenLimit
)

// MaxDimensions bounds the dimensions of one experiment (2^d groupings are kept).
const MaxDimensions = 8

// Values of a dimension that are not dictionary ids of real values.
const (
	// All: the dimension is not fixed in this cell. It is the zero value.
	All uint32 = 0
	// None: the value is missing; shown as "(none)".
	None uint32 = 1
	// FirstValue is the smallest dictionary id of a real value.
	FirstValue uint32 = 2
)

// Slice is a cell's place in the cube: for each dimension of the experiment, in the experiment's order, a dictionary
// id of the shard, None or All. The zero Slice is the whole.
type Slice [MaxDimensions]uint32

// ExposedMetric is the Metric of a Change that only counts exposed subjects (SRM, header); Num = 0, Den = 1.
const ExposedMetric = -1

// Change is what events did to one subject's contribution to one metric in one cell. Cells are reached by
// subtracting Old and adding New. state makes Changes only for cells in which every subject dimension is fixed; over
// event dimensions it makes one for each grouping of them that the subject touches. The cube rolls up the rest.
type Change struct {
	Experiment int // index into catalog.Plan.Experiments
	Variant    int // index into catalog.PlanExperiment.Variants
	Metric     int // index into catalog.PlanExperiment.Metrics, or ExposedMetric
	Slice      Slice
	Old, New   Point
	// Bins are what changes in the distribution of the subject's events, for a quantile metric, or in the ranks of its values, for
	// one across subjects; rising, none with count 0.
	Bins []Bin
}

// Bin counts what lies in one bin of stats/sketch: events of a quantile metric by their values (sketch.Quantiles), or subjects by a
// rank that their values give a register (sketch.Distinct).
type Bin struct {
	Index int32
	Count int64
}
