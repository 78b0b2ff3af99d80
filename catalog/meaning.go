package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// Meanings returns the canonical text of everything that the active experiments are computed from, by key:
// "metric/ARPU", "experiment/x", "experiment/x/metric/ARPU", "experiment/x/slice/platform", "source/orders". It is
// what a state directory stores, to say later what has changed.
func (s *Set) Meanings() map[string]string {
	out := map[string]string{}
	for _, e := range s.Experiments {
		if e.Inactive {
			continue
		}
		key := "experiment/" + e.ID
		out[key] = e.canonical()
		addSource(out, e.Exposure.Event)
		for _, u := range e.Metrics {
			out["metric/"+u.Metric.ID] = u.Metric.canonical()
			out[key+"/metric/"+u.Metric.ID] = newCanonical("use").String()
			for _, ev := range u.Metric.Events() {
				addSource(out, ev)
			}
		}
		for _, d := range e.Slices {
			out[key+"/slice/"+d.Name] = d.canonical(e)
			if d.from != nil {
				addSource(out, d.from)
			}
		}
	}
	return out
}

// addSource adds where an event's records come from. It is apart from what they mean: a topic that moves changes no
// metric's hash, but the positions of a state directory are of the old one.
func addSource(out map[string]string, e *Event) {
	c := newCanonical("source")
	for _, l := range e.Source.origin {
		c.line(l.path, l.value)
	}
	out["source/"+e.Source.ID] = c.String()
}

// ChangeKind says what happened to a definition.
type ChangeKind string

const (
	Added    ChangeKind = "added"
	Removed  ChangeKind = "removed"
	Modified ChangeKind = "modified"
)

// DefinitionChange is one difference between two sets of meanings.
type DefinitionChange struct {
	Kind ChangeKind
	Key  string
	// Fields that differ, for a modified definition.
	Fields []FieldChange
	// Extends says that the change adds a metric or a slice to an experiment that was already there. Nothing that
	// exists changes its meaning; the addition is built from the log beside the old.
	Extends bool
}

// FieldChange is one line of a canonical text that differs; empty where one side lacks it.
type FieldChange struct{ Path, Old, New string }

// Breaking says that something which exists means something else now, so that its state can't go on.
func (c DefinitionChange) Breaking() bool { return c.Kind == Modified }

// Changed lists what differs between two results of Meanings, sorted by key. What belongs to an experiment that came
// or went as a whole is not listed again, nor is a metric that came or went with its only experiment.
func Changed(old, new map[string]string) []DefinitionChange {
	var out []DefinitionChange
	keys := slices.Compact(slices.Sorted(slices.Values(append(sortedKeys(old), sortedKeys(new)...))))
	for _, key := range keys {
		was, before := old[key]
		is, after := new[key]
		owner := experimentOf(key)
		switch {
		case before && after && was != is:
			out = append(out, DefinitionChange{Kind: Modified, Key: key, Fields: fieldChanges(was, is)})
		case !before:
			if _, there := old[owner]; owner == "" || there {
				out = append(out, DefinitionChange{Kind: Added, Key: key, Extends: owner != ""})
			}
		case !after:
			if _, there := new[owner]; owner == "" || there {
				out = append(out, DefinitionChange{Kind: Removed, Key: key})
			}
		}
	}
	return out
}

// experimentOf is the key of the experiment that a metric's use or a slice belongs to, empty for other keys.
func experimentOf(key string) string {
	parts := strings.SplitN(key, "/", 3)
	if parts[0] != "experiment" || len(parts) < 3 {
		return ""
	}
	return parts[0] + "/" + parts[1]
}

// fieldChanges compares two canonical texts line by line.
func fieldChanges(old, new string) []FieldChange {
	was, is := leaves(old), leaves(new)
	var out []FieldChange
	for _, path := range slices.Compact(slices.Sorted(slices.Values(append(sortedKeys(was), sortedKeys(is)...)))) {
		if was[path] != is[path] {
			out = append(out, FieldChange{path, was[path], is[path]})
		}
	}
	return out
}

// leaves reads a canonical text back. Its first line, with the version, is the leaf "form".
func leaves(text string) map[string]string {
	out := map[string]string{}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		path, value, ok := strings.Cut(line, " = ")
		if !ok {
			if i == 0 {
				out["form"] = line
			}
			continue
		}
		out[path] = fromOneLine.Replace(value)
	}
	return out
}

// String is the change in a line or more, for the list that a refused start prints.
func (c DefinitionChange) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", c.Key, c.Kind)
	if c.Extends {
		b.WriteString(" (to an experiment that was already there)")
	}
	for _, f := range c.Fields {
		fmt.Fprintf(&b, "\n    %s: %s → %s", f.Path, orNothing(f.Old), orNothing(f.New))
	}
	return b.String()
}

func orNothing(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return s
}

// Explain returns the canonical form of a metric or an experiment with its hash, for people who ask what moved it.
func Explain(s *Set, id string) (string, error) {
	var ids []string
	for _, m := range s.Metrics {
		if m.ID == id {
			return explained("metric", id, m.Hash(), m.canonical()), nil
		}
		ids = append(ids, m.ID)
	}
	for _, e := range s.Experiments {
		if e.ID == id {
			return explained("experiment", id, e.Hash(), e.canonical()), nil
		}
		ids = append(ids, e.ID)
	}
	return "", fmt.Errorf("catalog: no metric or experiment %q; %s", id, didYouMean(id, ids))
}

func explained(kind, id string, h Hash, canonical string) string {
	return fmt.Sprintf("%s %s\nhash %s\n\n%s\nOnly these lines are hashed (SHA-256 of the text above, from %q on).\n", kind, id, h, canonical, kind+" "+canonicalVersion)
}
