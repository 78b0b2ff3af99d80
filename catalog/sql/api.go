package sql

// Kind of a column or value.
type Kind uint8

const (
	// Any is an untyped field of the source: its text decides (JSON number, string, boolean; a CSV field is Varchar).
	Any Kind = iota
	BigInt
	Double
	Decimal
	Varchar
	Boolean
	Date
	Timestamp
	TimestampTZ
)

// Type of a column: Scale and Precision only for Decimal.
type Type struct {
	Kind             Kind
	Precision, Scale int
}

// Value is one value of a row. Only the field that Kind names is set. Text is valid until the next record is decoded.
type Value struct {
	Kind Kind
	Null bool
	wide bool
	// utc: a Timestamp that is known to be the wall clock of UTC (EPOCH_MS), whatever the source's zone.
	utc bool
	// I: BigInt, Decimal (unscaled, at Scale), Date (days since 1970), TimestampTZ (microseconds UTC), Timestamp
	// (microseconds of the wall clock; Instant places it), Boolean (0, 1).
	I int64
	F float64 // Double
	// Text of Varchar; for a Double that came unchanged from the source's decimal text, that text, so that it is rounded once.
	Text  []byte
	Scale int

	// A Decimal of more than 64 bits is wide: hi are its upper 64 bits, I the lower. Fixed and AppendText know.
	hi int64
}

// Column of a query's result.
type Column struct {
	Name string
	Type Type
	// Constant says that the expression reads no field (check refuses it as event_id).
	Constant  bool
	Line, Col int // of the column within the SQL text, from 1
}

// Raw is one field of a record as the decoder found it, before SQL gives it a type.
type Raw struct {
	Kind RawKind
	// Text: the number as written, the string unescaped, or a nested value's JSON. Valid until the next record.
	Text []byte
}

// RawKind of a field.
type RawKind uint8

const (
	Missing RawKind = iota
	Null
	String
	Number
	True
	False
	Nested // object or array
)

// Path of a field in a record: the steps of a.b.c.
type Path []string

// ErrorReject is a record that an expression refuses (a failed CAST, a number out of range, …).
type ErrorReject struct {
	Reason string // one of the closed set of reasons in reject.go
	Detail string
}

func (e *ErrorReject) Error() string { return e.Reason + ": " + e.Detail }

// SyntaxError is a mistake in SQL text at Line, Col (from 1) of that text, Width characters wide.
type SyntaxError struct {
	Line, Col, Width int
	Msg              string
	Hint             string // what is allowed, or "did you mean …"
}
