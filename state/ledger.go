package state

// Ledger says where every record and event of the shard went.
type Ledger struct {
	Sources     []SourceLedger     // by catalog.Plan.Sources
	Events      []EventLedger      // by catalog.Plan.Events
	Experiments []ExperimentLedger // by catalog.Plan.Experiments
}

// SourceLedger: Read = Rejected + evaluated. Copies are records that another shard counts as read, but that have an event
// for a subject of this shard.
type SourceLedger struct {
	Read, Rejected, Copies int64
	// Reasons says why records were rejected.
	Reasons map[string]int64
}

// EventLedger: the evaluated records of its source and their copies = Filtered + Rejected + Late + Duplicate + Accepted +
// Elsewhere, which another shard counts.
type EventLedger struct {
	Filtered, Rejected, Late, Duplicate, Accepted, Elsewhere int64
	// IDConflicts are the duplicates whose content differed from the event that stands.
	IDConflicts int64
	// Reasons says why events were rejected or late.
	Reasons map[string]int64
}

// ExperimentLedger is how one experiment sees the shard.
type ExperimentLedger struct {
	// Exposed counts subjects with a valid exposure, Crossovers those of them with a second variant.
	Exposed, Crossovers int64
	// Events are the events that it reads, by rising Event.
	Events []ReadLedger
}

// ReadLedger: Accepted of the event = Counted + Outside + Unexposed.
type ReadLedger struct {
	Event                       int // index into catalog.Plan.Events
	Counted, Outside, Unexposed int64
	// UnknownVariant and LateExposure are exposures among Outside, by reason.
	UnknownVariant, LateExposure int64
}
