package catalog

import (
	"errors"
	"io/fs"
	"os"
)

// Load reads every definition below dir (or the one file that dir names) and checks all of it. The Set is nil if
// and only if some finding is an error.
func Load(dir string) (*Set, []Diagnostic) {
	return LoadFS(os.DirFS(dir), dir)
}

// LoadFS is Load over any file system. Root is the folder that fsys shows: names in findings and relative paths in
// definitions start from it.
func LoadFS(fsys fs.FS, root string) (*Set, []Diagnostic) {
	return nil, []Diagnostic{{Severity: Error, Code: "E000", Message: "not built yet"}}
}

// Plans compiles one plan for each subject type in use, sorted by subject.
func (s *Set) Plans() ([]*Plan, error) { return nil, errors.New("catalog: not built yet") }
