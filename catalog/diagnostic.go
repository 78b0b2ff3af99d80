package catalog

// Severity of a diagnostic.
type DiagnosticSeverity string

const (
	Error   DiagnosticSeverity = "error"
	Warning DiagnosticSeverity = "warning"
)

// Diagnostic is one finding about the definitions: where, what, and what would be right.
type Diagnostic struct {
	Severity DiagnosticSeverity
	Code     string // stable: E… for errors, W… for warnings; Explanation says what it means
	Pos      Position
	Width    int    // characters from Pos that the caret underlines; at least 1
	Message  string // one sentence, lower case, without a full stop
	Hint     string // what is allowed, or the nearest name
	Line     string // the text of the line of Pos; secrets in it are masked
}

// HasErrors says whether any of the findings is an error; only then is a Set unusable.
func HasErrors(list []Diagnostic) bool {
	for _, d := range list {
		if d.Severity == Error {
			return true
		}
	}
	return false
}
