package sql

// Reasons why a record or an event is rejected or set aside: a closed set, because they are keys of the ledger, labels of
// telemetry and words on the page. Adding one is a change of the public interface; renaming one is never done.
const (
	// Malformed: the bytes are not a record of the source's format (bad JSON, duplicate keys, a CSV row of another width, no value).
	Malformed = "malformed"
	// WrongEncoding: the bytes are not UTF-8.
	WrongEncoding = "wrong_encoding"
	// Oversize: the record is larger than the source's bound.
	Oversize = "oversize"
	// TypeMismatch: a value cannot be read as the type that the event's SQL asks for.
	TypeMismatch = "type_mismatch"
	// MissingSubject: the subject column is NULL or empty.
	MissingSubject = "missing_subject"
	// MissingTime: event_time is NULL or empty.
	MissingTime = "missing_time"
	// NumberRange: a number does not fit its type or its scale.
	NumberRange = "number_range"
	// NotANumber: NaN or an infinity reached a column.
	NotANumber = "not_a_number"
	// TimeRange: event_time is the epoch itself or outside the years 1970 to 2200.
	TimeRange = "time_range"
	// Future: event_time is more than five minutes after the record's own Kafka timestamp.
	Future = "future"
	// IDConflict counts events whose event_id was seen before with other content; they are duplicates, not rejected.
	IDConflict = "id_conflict"
)

// Reasons lists the closed set in the order in which pages and dumps show it.
var Reasons = []string{
	Malformed, WrongEncoding, Oversize, TypeMismatch, MissingSubject, MissingTime,
	NumberRange, NotANumber, TimeRange, Future, IDConflict,
}
