package catalog

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // timezone: must mean the same on a machine that has no zones of its own
)

// DefaultLateness is L of a Kafka source that names none.
const DefaultLateness = time.Hour

// source resolves a source definition.
func (l *loader) source(d *definition) *Source {
	r := d.r
	s := &Source{ID: d.id, Pos: d.pos(), at: r.values["id"], Lateness: DefaultLateness, Location: time.UTC,
		Owner: r.text("owner"), Team: r.text("team"), Description: r.text("description")}
	r.unused("name", "tags", "runbook")
	switch r.exactlyOne("kafka", "files") {
	case "kafka":
		l.kafka(s, r.mapping("kafka"))
	case "files":
		l.bounded(s, r)
	}
	s.Format = sourceFormat(s, r)
	s.Profile = r.boolean("profile")
	if r.has("lateness") {
		if d, ok := r.duration("lateness"); ok {
			s.Lateness, s.LatenessSet = d, true
		}
		if s.Profile {
			r.report.at("W105", r.keys["lateness"], "a profile source is never late, so its lateness has no effect", "leave it out")
		}
	}
	if s.Profile {
		s.Lateness = NoLateness
	}
	if n := r.scalar("timezone"); n != nil {
		loc, err := time.LoadLocation(n.text)
		if err != nil || n.text == "" || n.text == "Local" {
			r.report.at("E009", n, fmt.Sprintf("%q is no time zone", n.text), "write a name of the IANA data base, such as Asia/Seoul or UTC")
		} else {
			s.Location = loc
		}
	}
	s.settle()
	return s
}

// unused reads keys that only people read, so that values of a wrong kind are still found.
func (r *reader) unused(names ...string) {
	for _, name := range names {
		if k := r.shape.find(name); k.kind == textListKey {
			r.scalars(name)
		} else {
			r.text(name)
		}
	}
}

func (l *loader) kafka(s *Source, r *reader) {
	if r == nil {
		return
	}
	if r.exactlyOne("topic", "topics") == "topics" {
		s.Topics = r.texts("topics")
	} else if t := r.text("topic"); t != "" {
		s.Topics = []string{t}
	}
	for _, t := range s.Topics {
		if !validTopic(t) {
			r.report.at("E013", r.node, fmt.Sprintf("%q can't be a Kafka topic", t), "letters, digits, . _ and -, at most 249")
		}
	}
	s.KeyedBy = r.text("keyed_by")
}

func validTopic(t string) bool {
	return t != "." && t != ".." && len(t) <= 249 && strings.Trim(t, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// bounded finds the files of a bounded source. A pattern without a match is only a warning: definitions are checked
// where the data are not, and `analyze` may name others.
func (l *loader) bounded(s *Source, r *reader) {
	s.Lateness = NoLateness
	for _, n := range r.scalars("files") {
		s.Globs = append(s.Globs, n.text)
		matches, err := l.glob(n)
		if err != nil {
			r.report.at("E009", n, fmt.Sprintf("%q is no pattern of file names", n.text), "* matches any part of a name, ? one character, [abc] one of them")
			continue
		}
		if len(matches) == 0 {
			r.report.at("W106", n, fmt.Sprintf("no file matches %q", n.text), "paths are relative to this definition file")
		}
		s.Files = append(s.Files, matches...)
	}
	slices.Sort(s.Files)
	s.Files = slices.Compact(s.Files)
}

// glob resolves a pattern relative to the definition file that holds it.
func (l *loader) glob(n *node) ([]string, error) {
	if l.root == "" { // a file system without a place on disk
		return fs.Glob(l.fsys, path.Join(path.Dir(n.file.path), n.text))
	}
	return filepath.Glob(l.path(n))
}

// path is the absolute path that a scalar means.
func (l *loader) path(n *node) string {
	p := filepath.FromSlash(n.text)
	if filepath.IsAbs(p) {
		return p
	}
	p = filepath.Join(l.root, filepath.Dir(filepath.FromSlash(n.file.path)), p)
	if l.root != "" {
		if abs, err := filepath.Abs(p); err == nil {
			return abs
		}
	}
	return p
}

// sourceFormat is the format as written, or what the files' names say.
func sourceFormat(s *Source, r *reader) Format {
	if f := r.enum("format"); f != "" {
		if f == string(CSV) && len(s.Topics) > 0 {
			r.report.at("E018", r.value("format"), "records of a topic can't be CSV: they have no header row", "write format: json")
		}
		return Format(f)
	}
	if len(s.Globs) > 0 && !slices.ContainsFunc(s.Globs, func(g string) bool { return formatOf(g) != CSV }) {
		return CSV
	}
	return JSON
}

// formatOf guesses a file's format from its name.
func formatOf(name string) Format {
	name = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(name), ".gz"), ".zst")
	if strings.HasSuffix(name, ".csv") {
		return CSV
	}
	return JSON
}

// Bounded says whether the source ends: it is complete when it has been read.
func (s *Source) Bounded() bool { return len(s.Topics) == 0 }

// UseFiles makes a source read these files instead of what its definition says (analyze --source ID=FILE). The
// format is what their names say unless they say nothing. Definitions keep their hashes: where the records lie is not
// what they mean. It must be called before Plans.
func (s *Set) UseFiles(id string, files []string) error {
	for _, src := range s.Sources {
		if src.ID != id {
			continue
		}
		if !src.Bounded() || !src.LatenessSet {
			// Lateness is measured against a broker's clock, which these files have none of.
			src.Lateness, src.LatenessSet = NoLateness, false
		}
		src.Topics, src.KeyedBy, src.Files, src.Globs = nil, "", files, files
		if len(files) > 0 {
			if f := formatOf(files[0]); f == CSV || strings.Contains(strings.ToLower(files[0]), "json") {
				src.Format = f
			}
		}
		return nil
	}
	var ids []string
	for _, src := range s.Sources {
		ids = append(ids, src.ID)
	}
	return fmt.Errorf("catalog: no source %q; %s", id, didYouMean(id, ids))
}
