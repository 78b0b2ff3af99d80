package catalog

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"
)

// SummaryFields returns what an alert's summary may say. sink/alert fills them; a test holds the two lists together.
func SummaryFields() []string {
	return []string{"Experiment", "Name", "Owner", "Metric", "MetricName", "Role", "Variant", "Control", "State", "Lift", "Limit", "Interval", "P",
		"ControlValue", "VariantValue", "Subjects", "SRM", "Lag", "Severity", "Rule", "Since", "WorstSlice", "Caution"}
}

var unknownField = regexp.MustCompile(`map has no entry for key "([^"]*)"`)

// summary checks an alert's template: one that can't be worded must not be found out when it fires, at night.
func (l *loader) summary(r *reader) {
	n := r.scalar("summary")
	if n == nil {
		return
	}
	t, err := template.New("summary").Option("missingkey=error").Parse(n.text)
	if err != nil {
		l.report.at("E051", n, "summary is no template: "+afterPlace(err), "write text with "+fieldList())
		return
	}
	if loops(t.Root) {
		l.report.at("E051", n, "summary has a loop or another template", "write text with "+fieldList())
		return
	}
	facts := map[string]string{}
	for _, f := range SummaryFields() {
		facts[f] = ""
	}
	err = t.Execute(io.Discard, facts)
	if err == nil {
		return
	}
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		pos, width := n.pos, n.width
		if line, col, ok := findField(n.text, m[1]); ok {
			pos, width = n.within(line, col), characters(m[1])
		}
		l.report.add("E051", pos, width, n.file, fmt.Sprintf("a summary has no field %q", m[1]), didYouMean(m[1], SummaryFields()))
		return
	}
	l.report.at("E051", n, "summary can't be worded: "+afterPlace(err), "write text with "+fieldList())
}

func fieldList() string { return "{{.Experiment}}, {{.Metric}}, {{.Lift}}, {{.Limit}}" }

// afterPlace is a template's error without the place that the template package gives: the finding has a better one.
func afterPlace(err error) string {
	parts := strings.SplitN(err.Error(), ": ", 3)
	return parts[len(parts)-1]
}

// findField returns where a field's name stands in a template.
func findField(text, name string) (line, col int, ok bool) {
	i := strings.Index(text, "."+name)
	if i < 0 {
		return 0, 0, false
	}
	i++
	return strings.Count(text[:i], "\n") + 1, characters(text[strings.LastIndexByte(text[:i], '\n')+1:i]) + 1, true
}

// loops says whether a template could run for long: it has a range, or calls a template.
func loops(n parse.Node) bool {
	switch v := n.(type) {
	case *parse.ListNode:
		if v == nil {
			return false
		}
		for _, c := range v.Nodes {
			if loops(c) {
				return true
			}
		}
	case *parse.IfNode:
		return loops(v.List) || loops(v.ElseList)
	case *parse.WithNode:
		return loops(v.List) || loops(v.ElseList)
	case *parse.RangeNode, *parse.TemplateNode:
		return true
	}
	return false
}
