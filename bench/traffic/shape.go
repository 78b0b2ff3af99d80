package traffic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Shape says which log is made: everything that its bytes depend on. Shares are of all records.
type Shape struct {
	Seed     uint64 `json:"seed"`
	Events   int64  `json:"events"`   // records, the preload included
	Subjects int64  `json:"subjects"` // at most 2³²
	// Zipf is the exponent of the subjects' popularity, over 1; 0: all alike.
	Zipf float64 `json:"zipf"`
	// Preload exposes every subject once before anything else, so that all of them are in the state from then on.
	Preload bool `json:"preload"`
	// Hot is the share of records that belong to one subject, on top of what Zipf gives it.
	Hot float64 `json:"hot"`
	// Duplicates are sent again up to DuplicateWithin records later.
	Duplicates float64 `json:"duplicates"`
	// Disorder is the share of records whose event time is up to 0.8 lateness behind; Late of those beyond it.
	Disorder float64 `json:"disorder"`
	Late     float64 `json:"late"`
	// Crossovers is the share of subjects (not of records) whose later exposures may be of either variant.
	Crossovers float64 `json:"crossovers"`
	// Lateness of the source, at least ExposureLateness.
	Lateness time.Duration `json:"lateness_ns"`
	// Step is the event time from one record to the next.
	Step time.Duration `json:"step_ns"`
	// Countries is how many values that dimension has.
	Countries int `json:"countries"`
	// Dimensions of a subject, 3 to 8: platform, country, plan, then d4 … d8 of 5 values, which peers need not know.
	Dimensions int `json:"dimensions"`
	// Bytes is the size of a record's value; what is missing is padded.
	Bytes      int   `json:"bytes"`
	Partitions int32 `json:"partitions"`
}

const (
	// ExposureLateness is the engine's default Lₓ: how far behind an exposure may be.
	ExposureLateness = 10 * time.Minute
	// DuplicateWithin is how many originals a duplicate may be behind.
	DuplicateWithin = 10_000
	// jitter is how far behind its append any event may be.
	jitter = 2 * time.Second
)

// Origin is the Kafka timestamp of the first record, Start the experiment's.
var (
	Origin = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	Start  = Origin.Add(-24 * time.Hour)
)

// Standard is the log of most scenarios: n records of that many subjects over ten hours of event time with a lateness of
// one, 5 % duplicates, 2 % out of order, 0.1 % late, one hot subject with 1 %.
func Standard(n, subjects int64, zipf float64) Shape {
	return Shape{Seed: 1, Events: n, Subjects: subjects, Zipf: zipf, Hot: 0.01, Duplicates: 0.05, Disorder: 0.02, Late: 0.001, Crossovers: 0.0005,
		Lateness: time.Hour, Step: 10 * time.Hour / time.Duration(n), Countries: 20, Dimensions: 3, Bytes: 250, Partitions: 8}
}

// Span is the event time from the first record to the last.
func (s Shape) Span() time.Duration { return s.Step * time.Duration(s.Events) }

// Validate names the first field that can't be used.
func (s Shape) Validate() error {
	switch {
	case s.Events < 1:
		return fmt.Errorf("traffic: Shape.Events is %d, must be at least 1", s.Events)
	case s.Subjects < 1 || s.Subjects > 1<<32:
		return fmt.Errorf("traffic: Shape.Subjects is %d, must be 1 to 2³²", s.Subjects)
	case s.Zipf != 0 && s.Zipf <= 1:
		return fmt.Errorf("traffic: Shape.Zipf is %g, must be 0 or over 1", s.Zipf)
	case s.Lateness < ExposureLateness:
		return fmt.Errorf("traffic: Shape.Lateness is %s, must be at least %s", s.Lateness, ExposureLateness)
	case s.Step <= 0:
		return fmt.Errorf("traffic: Shape.Step is %s, must be over 0", s.Step)
	case s.Span()+2*s.Lateness > 45*24*time.Hour:
		return fmt.Errorf("traffic: the log spans %s of event time; the oracle counts milliseconds in 32 bits, so at most 45 days", s.Span())
	case s.Events >= 1<<32:
		return fmt.Errorf("traffic: Shape.Events is %d, must be less than 2³²", s.Events)
	case s.Countries < 1 || s.Countries > 100_000:
		return fmt.Errorf("traffic: Shape.Countries is %d, must be 1 to 100,000", s.Countries)
	case s.Dimensions < 3 || s.Dimensions > 8:
		return fmt.Errorf("traffic: Shape.Dimensions is %d, must be 3 to 8", s.Dimensions)
	case s.Partitions < 1 || s.Partitions > 1024:
		return fmt.Errorf("traffic: Shape.Partitions is %d, must be 1 to 1024", s.Partitions)
	}
	return nil
}

// Name is short and differs for logs that differ.
func (s Shape) Name() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a struct of numbers
	}
	sum := sha256.Sum256(append(text, version...))
	return hex.EncodeToString(sum[:6])
}

// version is part of every log's name; it changes whenever the generator writes other bytes for the same Shape.
const version = "1"
