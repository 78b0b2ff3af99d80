package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark/tidemark/catalog/sql"
)

// Names of an event's columns that have a fixed meaning.
const (
	TimeColumn = "event_time"
	IDColumn   = "event_id"
)

// event resolves an event definition: its SQL, its source and its fixed columns.
func (l *loader) event(d *definition) *Event {
	r := d.r
	e := &Event{ID: d.id, Pos: d.pos(), Owner: r.text("owner"), Team: r.text("team"), Description: r.text("description")}
	r.unused("name", "tags", "runbook")
	r.notYet("tests")
	n := r.scalar("sql")
	if n == nil {
		return nil
	}
	if !l.oneLineOrBlock(n) {
		return nil
	}
	text := strings.TrimRight(n.text, " \n") // so that what is missing is missing at the end of the last line
	query, errs := sql.Parse(text)
	if query != nil {
		// Whether a field has a type is the source's matter, and the source is known only from FROM.
		if d := l.byID[sourceKind][query.From]; d != nil {
			if s, ok := d.value.(*Source); ok && s.Format == CSV {
				query, errs = sql.ParseCSV(text)
			}
		}
	}
	l.syntax("E020", n, errs)
	if query == nil || len(errs) > 0 {
		return nil
	}
	e.Query = query
	e.Source = l.from(n, query)
	l.dependencies(e, r)
	l.fixedColumns(e, n)
	return e
}

// oneLineOrBlock refuses SQL in a style whose line breaks YAML would fold away: no error in it could be placed.
func (l *loader) oneLineOrBlock(n *node) bool {
	folded := n.style == foldedStyle
	if n.style != literalStyle && !folded {
		// A plain or quoted scalar over several lines: its text is longer than its first line.
		rest := strings.TrimLeft(string([]rune(n.file.line(n.pos.Line))[n.pos.Column-1:]), "'\"")
		folded = n.style == plainStyle && characters(n.text) > characters(strings.TrimRight(rest, " "))
		if n.style != plainStyle {
			folded = !closes(n)
		}
	}
	if folded {
		l.report.at("E008", n, "SQL over several lines must be a | block", "write sql: | and the statement below it, indented")
	}
	return !folded
}

// closes says whether a quoted scalar ends on the line where it begins.
func closes(n *node) bool {
	line := []rune(n.file.line(n.pos.Line))
	end := n.pos.Column - 1 + quotedOffset(string(line), n.pos.Column, n.style, characters(n.text)+1)
	return end < len(line) && (line[end] == '"' || line[end] == '\'')
}

// syntax reports the mistakes of an SQL text at their places in the file.
func (l *loader) syntax(code string, n *node, errs []sql.SyntaxError) {
	for _, e := range errs {
		hint := e.Hint
		pos := n.within(e.Line, e.Col)
		if cut := cutOff(n); cut != "" {
			hint = cut
		}
		l.report.add(code, pos, e.Width, n.file, e.Msg, hint)
	}
}

// cutOff explains what ended a plain scalar before its SQL did: YAML takes a comma, a bracket or " #" for itself
// without a word.
func cutOff(n *node) string {
	line := []rune(n.file.line(n.pos.Line))
	end := n.pos.Column - 1 + characters(n.text)
	if n.style != plainStyle || end >= len(line) {
		return ""
	}
	switch rest := strings.TrimLeft(string(line[end:]), " "); {
	case strings.HasPrefix(rest, "#"):
		return "\" #\" begins a YAML comment here: quote the SQL, or write it as a | block"
	case strings.HasPrefix(rest, ",") || strings.HasPrefix(rest, "]"):
		return "inside { } this " + rest[:1] + " ends the SQL: quote it, or write it as a | block"
	}
	return ""
}

// from resolves FROM.
func (l *loader) from(n *node, q *sql.Query) *Source {
	d := l.byID[sourceKind][q.From]
	if d == nil {
		pos, width := n.pos, n.width
		if line, col, ok := find(n.text, q.From); ok {
			pos, width = n.within(line, col), characters(q.From)
		}
		l.report.add("E021", pos, width, n.file, fmt.Sprintf("FROM names no source: %q", q.From), l.unknownHint(sourceKind, q.From))
		return nil
	}
	s, _ := d.value.(*Source)
	return s
}

// find returns the line and column at which the name after FROM stands.
func find(text, name string) (line, col int, ok bool) {
	lower := strings.ToLower(text)
	at := 0
	for {
		i := strings.Index(lower[at:], "from")
		if i < 0 {
			return 0, 0, false
		}
		at += i + len("from")
		rest := strings.TrimLeft(text[at:], " \t\r\n\"")
		if strings.HasPrefix(strings.ToLower(rest), strings.ToLower(name)) {
			start := len(text) - len(rest)
			return strings.Count(text[:start], "\n") + 1, characters(text[strings.LastIndexByte(text[:start], '\n')+1:start]) + 1, true
		}
	}
}

// dependencies must be what FROM says: people and schedulers read them as the event's inputs.
func (l *loader) dependencies(e *Event, r *reader) {
	for _, n := range r.scalars("dependencies") {
		e.Dependencies = append(e.Dependencies, n.text)
		if l.byID[sourceKind][n.text] == nil {
			l.report.at("E012", n, fmt.Sprintf("unknown source %q", n.text), l.unknownHint(sourceKind, n.text))
		} else if n.text != e.Query.From {
			l.report.at("E024", n, fmt.Sprintf("the SQL does not read %q", n.text), fmt.Sprintf("FROM says %q; write dependencies: [%s]", e.Query.From, e.Query.From))
		}
	}
	if r.has("dependencies") && len(e.Dependencies) == 0 {
		l.report.at("E024", r.keys["dependencies"], "no dependencies, but the SQL reads a source", fmt.Sprintf("write dependencies: [%s]", e.Query.From))
	}
}

// fixedColumns checks event_time and event_id.
func (l *loader) fixedColumns(e *Event, n *node) {
	l.eventTime(e, n)
	if i := e.Column(IDColumn); i >= 0 && e.Query.Columns[i].Constant {
		c := e.Query.Columns[i]
		l.report.add("E022", n.within(c.Line, c.Col), itemWidth(n.text, c), n.file, "event_id is the same for every event",
			"event_id says which records are one event, so a constant makes all of a subject's events duplicates of the first; take it from a field, or leave it out: then the record's place is its identity")
	}
}

// itemWidth is how far an item of the SELECT reaches to the end of its name, if both stand on one line.
func itemWidth(text string, c sql.Column) int {
	lines := strings.Split(text, "\n")
	if c.Line < 1 || c.Line > len(lines) {
		return 1
	}
	line := []rune(lines[c.Line-1])
	rest := string(line[min(c.Col-1, len(line)):])
	if i := strings.Index(rest, c.Name); i >= 0 {
		return characters(rest[:i+len(c.Name)])
	}
	return 1
}

func (l *loader) eventTime(e *Event, n *node) {
	i := e.Column(TimeColumn)
	if i < 0 {
		if e.Source != nil && e.Source.Profile {
			return // such a row is valid since ever
		}
		hint := "add the time of the event, such as TO_TIMESTAMP(ts) AS event_time"
		if name, ok := nearest(TimeColumn, e.columns()); ok {
			hint = fmt.Sprintf("did you mean %q to be event_time?", name)
		}
		if e.Source != nil {
			l.report.at("E023", n, "the SQL has no column event_time", hint)
		}
		return
	}
	// Text that reads as a time is one; numbers and truth values were refused with the SQL.
	if c := e.Query.Columns[i]; c.Type.Kind == sql.Date {
		l.report.add("W113", n.within(c.Line, c.Col), itemWidth(n.text, c), n.file, "event_time is a date: every event of a day happens at midnight",
			"take the time with it, or accept that order and windows within a day are unknown")
	}
}

// Column returns the index of a column, -1 if the event has none of that name.
func (e *Event) Column(name string) int {
	return slices.IndexFunc(e.Query.Columns, func(c sql.Column) bool { return c.Name == name })
}

// columns are the names of the event's columns.
func (e *Event) columns() []string {
	var out []string
	for _, c := range e.Query.Columns {
		out = append(out, c.Name)
	}
	return out
}

// needColumn reports a column that an event lacks, at the node that names it.
func (l *loader) needColumn(e *Event, n *node, role string) bool {
	if e == nil || e.Column(n.text) >= 0 {
		return e != nil
	}
	hint := "it has: " + listed(e.columns())
	if name, ok := nearest(n.text, e.columns()); ok {
		hint = fmt.Sprintf("did you mean %q?", name)
	}
	l.report.at("E031", n, fmt.Sprintf("event %s has no column %q%s", e.ID, n.text, role), hint)
	return false
}

// subjectType refuses columns whose text is not one for one with what they identify.
func (l *loader) subjectType(e *Event, n *node) {
	switch k := e.Query.Columns[e.Column(n.text)].Type.Kind; k {
	case sql.Double, sql.Boolean, sql.Date, sql.Timestamp, sql.TimestampTZ:
		l.report.at("E032", n, fmt.Sprintf("column %q of event %s can't name a subject", n.text, e.ID), "a subject is text or a whole number: take the field as it is, or CAST it AS VARCHAR or BIGINT")
	}
}
