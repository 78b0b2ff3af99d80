package alert

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
	"text/template"

	"github.com/tidemark/tidemark/catalog/sql"
	"github.com/tidemark/tidemark/sink/alert/notify"
)

// Facts are what an alert's summary template can say. All are texts of the one formatter, "" where there is none.
type Facts struct {
	Experiment, Name, Owner           string // Name is the experiment's, or its id
	Metric, MetricName, Role          string
	Variant, Control                  string
	State                             string // better, worse, crossed, near, failed, stale
	Lift, Limit, Interval, P          string
	ControlValue, VariantValue        string
	Subjects, SRM, Lag                string // SRM is its p, Lag the age of the data
	Severity, Rule, Since, WorstSlice string
	Caution                           string // what must be known with the row's state: "p 0.0310 after Holm · check: slices differ"
}

func factsOf(n *notify.Notification) Facts {
	name := n.ExperimentName
	if name == "" {
		name = n.Experiment
	}
	return Facts{
		Experiment: n.Experiment, Name: name, Owner: n.Owner,
		Metric: n.Metric, MetricName: n.Name(), Role: n.Role, Variant: n.Variant, Control: n.Control,
		State: n.State, Lift: n.Lift, Limit: n.Limit, Interval: n.Interval, P: n.P,
		ControlValue: n.ControlValue, VariantValue: n.VariantValue,
		Subjects: n.Subjects, SRM: n.SRMP, Lag: n.Lag,
		Severity: n.Severity, Rule: n.Rule, Since: n.Clock(n.Since), WorstSlice: n.WorstSlice, Caution: n.Caution,
	}
}

// summary is a parsed template; a nil one gives the default text of the notification's kind.
type summary struct{ t *template.Template }

// maxSummary bounds what a template may produce, in bytes; receivers cut at their own, smaller limits.
const maxSummary = 4 << 10

func parseSummary(text string) (*summary, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	t, err := template.New("summary").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, clean(err)
	}
	s := &summary{t}
	// Executing it once finds the fields that do not exist; parsing does not know them.
	if _, err := s.execute(Facts{}); err != nil {
		return nil, err
	}
	return s, nil
}

// CheckSummary says what is wrong with an alert's summary template, with the nearest field's name where it can; nil
// if nothing is. The catalog's check has no access to this package, so the command line calls it for each alert.
func CheckSummary(text string) error {
	_, err := parseSummary(text)
	return err
}

// SummaryFields lists what a summary template can use.
func SummaryFields() []string {
	t := reflect.TypeFor[Facts]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Name
	}
	return names
}

func (s *summary) execute(f Facts) (string, error) {
	var b strings.Builder
	if err := s.t.Execute(&limited{&b, maxSummary}, f); err != nil && !errors.Is(err, errFull) {
		return "", clean(err)
	}
	return strings.Join(strings.Fields(b.String()), " "), nil // one line, whatever the template's layout
}

// render gives the notification's one line. A template that was good when it was loaded can still fail on a value;
// the alert goes out with the default text then.
func (s *summary) render(n *notify.Notification) string {
	if s != nil {
		if text, err := s.execute(factsOf(n)); err == nil && text != "" {
			return text
		}
	}
	return defaultSummary(n)
}

// defaultSummary is the line of a rule that has none of its own. What is said of a row ends with its caution: this line is all that a
// pager or a phone's preview shows.
func defaultSummary(n *notify.Notification) string {
	caution := ""
	if n.Caution != "" {
		caution = " · " + n.Caution
	}
	switch n.Kind {
	case notify.Guardrail:
		if n.State == "near" {
			return fmt.Sprintf("%s near its limit: %s (limit %s) · %s%s", n.Name(), n.Lift, n.Limit, n.Experiment, caution)
		}
		return fmt.Sprintf("%s WORSE %s (limit %s) · %s%s", n.Name(), n.Lift, n.Limit, n.Experiment, caution)
	case notify.Metric:
		return fmt.Sprintf("%s %s %s · %s%s", n.Name(), strings.ToUpper(n.State), n.Lift, n.Experiment, caution)
	case notify.SRM:
		return fmt.Sprintf("%s: subjects are not split as planned (SRM p %s)", n.Experiment, n.SRMP)
	case notify.Stale:
		return fmt.Sprintf("%s: no new data for %s", n.Experiment, n.Lag)
	}
	return n.Experiment
}

// limited stops a template at its bound; what was written stays.
type limited struct {
	w    io.Writer
	left int
}

var errFull = errors.New("summary is too long")

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		n, _ := io.WriteString(l.w, strings.ToValidUTF8(string(p[:l.left]), ""))
		l.left = 0
		return n, errFull
	}
	l.left -= len(p)
	return l.w.Write(p)
}

var (
	noField    = regexp.MustCompile(`can't evaluate field (\w+) in type`)
	noFunction = regexp.MustCompile(`function "(\w+)" not defined`)
)

// clean turns text/template's error into one that says what to do.
func clean(err error) error {
	text := strings.TrimPrefix(err.Error(), "template: ")
	if m := noField.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("unknown field {{.%s}}%s; fields are %s", m[1], suggest(m[1]), strings.Join(SummaryFields(), ", "))
	}
	if m := noFunction.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("unknown word %q%s; fields are written {{.Name}}", m[1], suggest(m[1]))
	}
	return errors.New(strings.TrimPrefix(text, "summary:"))
}

func suggest(name string) string {
	best, at := "", 4
	for _, f := range SummaryFields() {
		if d := sql.EditDistance([]rune(strings.ToLower(name)), []rune(strings.ToLower(f))); d < at {
			best, at = f, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean {{.%s}}?)", best)
}
