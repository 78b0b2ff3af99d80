package catalog

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Report is what reading a directory of definitions found.
type Report struct {
	Set      *Set // nil if and only if some finding is an error
	Findings []Diagnostic
	Files    int // definition files read
}

// Load reads every definition below dir (or the one file that dir names) and checks all of it. The Set is nil if
// and only if some finding is an error.
func Load(dir string) (*Set, []Diagnostic) {
	r := Check(dir)
	return r.Set, r.Findings
}

// Check is Load that also says how much it read.
func Check(dir string) Report {
	info, err := os.Stat(dir)
	if err != nil {
		report := &reporter{}
		report.add("E001", Position{File: dir, Line: 1, Column: 1}, 1, nil, "can't read "+dir+": "+cause(err), "name a directory of definitions, or one definition file")
		return Report{Findings: report.findings()}
	}
	if !info.IsDir() {
		l := newLoader(os.DirFS(filepath.Dir(dir)), filepath.Dir(dir))
		l.read(filepath.Base(dir))
		return l.finish(dir)
	}
	return CheckFS(os.DirFS(dir), dir)
}

// LoadFS is Load over any file system. Root is the folder that fsys shows: names in findings and relative paths in
// definitions start from it.
func LoadFS(fsys fs.FS, root string) (*Set, []Diagnostic) {
	r := CheckFS(fsys, root)
	return r.Set, r.Findings
}

// CheckFS is Check over any file system.
func CheckFS(fsys fs.FS, root string) Report {
	l := newLoader(fsys, root)
	l.walk()
	return l.finish(root)
}

// kind of a definition; also its key in files.
type kind string

const (
	sourceKind     kind = "source"
	eventKind      kind = "event"
	metricKind     kind = "metric"
	experimentKind kind = "experiment"
	alertKind      kind = "alert"
	receiverKind   kind = "receiver"
)

// kinds in the order in which they can be resolved: each refers to earlier ones only.
var kinds = []kind{sourceKind, eventKind, metricKind, experimentKind, receiverKind, alertKind}

// definition is one entry of a file before and while it becomes a value of the set.
type definition struct {
	kind kind
	id   string
	r    *reader
	// value is a *Source, *Event, …; nil while it is not resolved, or when it has errors. What refers to a broken
	// definition is not reported again.
	value any
	// broken says that its keys alone are wrong already.
	broken bool
	// first says that no other definition has this id.
	first bool
}

// writtenDefinition is a definition that has not been looked at.
type writtenDefinition struct {
	kind  kind
	node  *node
	shape *shape
}

// loader reads files into definitions and definitions into a set.
type loader struct {
	fsys   fs.FS
	root   string
	report *reporter
	files  int
	found  map[kind][]*definition
	byID   map[kind]map[string]*definition
	set    *Set
	// written are the definitions as found; they become definitions once the defaults of all files are known.
	written  []writtenDefinition
	defaults map[kind]*reader
	// columns of all events, filled when first asked for.
	columns []string
}

func newLoader(fsys fs.FS, root string) *loader {
	l := &loader{fsys: fsys, root: root, report: &reporter{}, set: &Set{}, found: map[kind][]*definition{}, byID: map[kind]map[string]*definition{}, defaults: map[kind]*reader{}}
	for _, k := range kinds {
		l.byID[k] = map[string]*definition{}
	}
	return l
}

// document collects the definitions of one document.
func (l *loader) document(n *node) {
	if n.kind == nullNode {
		return
	}
	r := open(n, fileShape, l.report)
	if r == nil {
		return
	}
	r.notYet("route")
	if d := r.mapping("defaults"); d != nil {
		l.takeDefaults(d)
	}
	for _, k := range kinds {
		for _, name := range []string{string(k), string(k) + "s"} {
			if key := r.keys[name]; key != nil && !r.has(name) {
				l.report.at("E007", key, fmt.Sprintf("%q has no value", name), "write the definition below it, indented")
			}
			for _, item := range r.list(name) {
				l.written = append(l.written, writtenDefinition{k, item, fileShape.find(name).shape})
			}
		}
	}
}

// takeDefaults keeps the values for keys that definitions leave out. There is one place for each kind, as for an id.
func (l *loader) takeDefaults(r *reader) {
	for _, k := range kinds {
		n := r.value(string(k))
		if n == nil {
			continue
		}
		if other := l.defaults[k]; other != nil {
			l.report.at("E011", r.keys[string(k)], fmt.Sprintf("defaults for %ss are there twice", k), fmt.Sprintf("the others are at %s:%d", other.node.pos.File, other.node.pos.Line))
			continue
		}
		part := openPart("defaults of "+string(k), n, r.shape.find(string(k)).shape, l.report)
		if part == nil {
			continue
		}
		if id := part.values["id"]; id != nil {
			l.report.at("E013", id, "defaults can't hold an id", "every definition has its own")
			delete(part.values, "id")
		}
		l.defaults[k] = part
	}
}

// define registers one definition under its id.
func (l *loader) define(k kind, n *node, s *shape) {
	before := l.report.errors
	r := openPart(s.name, n, s, l.report)
	if r == nil {
		return
	}
	if d := l.defaults[k]; d != nil {
		r.fill(d.values)
	}
	r.required()
	d := &definition{kind: k, id: r.id("id"), r: r}
	d.broken = l.report.errors > before
	if d.id == "" {
		l.found[k] = append(l.found[k], d)
		return
	}
	if k == eventKind && d.id == Triggered {
		l.report.at("E013", r.value("id"), "TRIGGERED is built in: the subject's first exposure", "choose another id")
		return
	}
	if other := l.byID[k][d.id]; other != nil {
		l.report.at("E011", r.value("id"), fmt.Sprintf("%s %q is defined twice", k, d.id), "the other is at "+other.place())
	} else {
		d.first = true
		l.byID[k][d.id] = d
	}
	l.found[k] = append(l.found[k], d)
}

// place is where the id stands, for hints.
func (d *definition) place() string {
	p := d.r.node.pos
	if n := d.r.values["id"]; n != nil {
		p = n.pos
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// pos is the position of the definition's id.
func (d *definition) pos() Position {
	if n := d.r.values["id"]; n != nil {
		return n.pos
	}
	return d.r.node.pos
}

// finish resolves what was read.
func (l *loader) finish(name string) Report {
	for _, w := range l.written {
		l.define(w.kind, w.node, w.shape)
	}
	for _, k := range kinds {
		for _, d := range l.found[k] {
			before := l.report.errors
			value := l.resolve(d)
			if l.report.errors == before && d.first && !d.broken {
				d.value = value
			}
		}
	}
	l.keying()
	if l.files == 0 || l.empty() && len(l.report.list) == 0 {
		l.report.add("E014", Position{name, 1, 1}, 1, nil, "no definitions in "+name, "put *.yaml files with source, event, metric and experiment there")
	}
	out := Report{Findings: l.report.findings(), Files: l.files}
	if !HasErrors(out.Findings) {
		l.collect()
		out.Set = l.set
	}
	return out
}

func (l *loader) empty() bool {
	for _, k := range kinds {
		if len(l.found[k]) > 0 {
			return false
		}
	}
	return true
}

func (l *loader) resolve(d *definition) any {
	switch d.kind {
	case sourceKind:
		return l.source(d)
	case eventKind:
		return l.event(d)
	case metricKind:
		return l.metric(d)
	case experimentKind:
		return l.experiment(d)
	case receiverKind:
		return l.receiver(d)
	}
	return l.alert(d)
}

// collect fills the set, sorted by id.
func (l *loader) collect() {
	collectKind(l, sourceKind, &l.set.Sources)
	collectKind(l, eventKind, &l.set.Events)
	collectKind(l, metricKind, &l.set.Metrics)
	collectKind(l, experimentKind, &l.set.Experiments)
	collectKind(l, alertKind, &l.set.Alerts)
	collectKind(l, receiverKind, &l.set.Receivers)
	for _, m := range l.set.Metrics {
		m.hash = m.Hash()
	}
	for _, e := range l.set.Experiments {
		e.hash = e.Hash()
	}
}

func collectKind[T any](l *loader, k kind, out *[]*T) {
	for _, id := range l.ids(k) {
		*out = append(*out, l.byID[k][id].value.(*T))
	}
}

// ids of all definitions of a kind, sorted, the broken ones too.
func (l *loader) ids(k kind) []string {
	var out []string
	for id := range l.byID[k] {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// lookup resolves a reference. The result is nil if there is none, which is reported, or if it is broken, which was
// reported where it stands.
func lookup[T any](l *loader, k kind, n *node) *T {
	d := l.byID[k][n.text]
	if d == nil {
		l.report.at("E012", n, fmt.Sprintf("unknown %s %q", k, n.text), l.unknownHint(k, n.text))
		return nil
	}
	v, _ := d.value.(*T)
	return v
}

// unknownHint names the nearest id and where it is defined.
func (l *loader) unknownHint(k kind, written string, builtIn ...string) string {
	ids := append(l.ids(k), builtIn...)
	if name, ok := nearest(written, ids); ok {
		hint := fmt.Sprintf("did you mean %q?", name)
		if d := l.byID[k][name]; d != nil {
			hint += " (" + d.place() + ")"
		}
		return hint
	}
	if len(ids) == 0 {
		return fmt.Sprintf("no %s is defined", k)
	}
	return "defined: " + listed(ids)
}
