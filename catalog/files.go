package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// cause is the reason of a file error without the operation and the path, which the finding already names.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// walk reads every definition file in the order of names. Hidden files and folders are skipped: among them are
// editors' leavings and the folders by which Kubernetes swaps a mounted configuration.
func (l *loader) walk() {
	err := fs.WalkDir(l.fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			l.unreadable(p, err)
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		hidden := p != "." && strings.HasPrefix(path.Base(p), ".")
		if d.IsDir() {
			if hidden {
				return fs.SkipDir
			}
			return nil
		}
		if ext := strings.ToLower(path.Ext(p)); !hidden && (ext == ".yaml" || ext == ".yml") {
			l.read(p)
		}
		return nil
	})
	if err != nil {
		l.unreadable(".", err)
	}
}

// shown is a file's name as findings print it.
func (l *loader) shown(p string) string {
	if l.root == "" {
		return p
	}
	return filepath.Join(l.root, filepath.FromSlash(p))
}

func (l *loader) unreadable(p string, err error) {
	l.report.add("E001", Position{l.shown(p), 1, 1}, 1, nil, "can't read "+l.shown(p)+": "+cause(err), "every definition file must be readable, or what it defines would be missing")
}

// read takes in one file.
func (l *loader) read(p string) {
	info, err := fs.Stat(l.fsys, p) // follows symbolic links
	if err == nil && info.IsDir() {
		return
	}
	l.files++
	if err != nil {
		l.unreadable(p, err)
		return
	}
	at := Position{l.shown(p), 1, 1}
	if info.Size() > maxFileBytes {
		l.report.add("E003", at, 1, nil, fmt.Sprintf("the file has %d bytes, the limit is %d", info.Size(), maxFileBytes), "divide it into several files")
		return
	}
	data, err := fs.ReadFile(l.fsys, p)
	if err != nil {
		l.unreadable(p, err)
		return
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	f := newFile(l.shown(p), p, text)
	if i := strings.IndexByte(strings.ReplaceAll(text, "\r\n", "  "), '\r'); i >= 0 {
		// YAML takes it for a line end, editors do not: no line number after it would be what people see.
		l.report.add("E002", Position{f.name, strings.Count(text[:i], "\n") + 1, 1}, 1, nil, "a carriage return without a line feed", "save the file with Unix or Windows line ends")
		return
	}
	if i := badText(text); i >= 0 {
		line := strings.Count(text[:i], "\n") + 1
		col := characters(text[strings.LastIndexByte(text[:i], '\n')+1:i]) + 1
		l.report.add("E002", Position{f.name, line, col}, 1, nil, "not UTF-8 text", "save the file as UTF-8")
		return
	}
	for _, doc := range parseYAML(f, text, l.report) {
		l.document(doc)
	}
}

// badText returns where a file stops being UTF-8 text, -1 if it is.
func badText(text string) int {
	for i, r := range text {
		if r == 0 || r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
			return i
		}
	}
	return -1
}
