package tidemark

import (
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tidemark/tidemark/"

// mayImport is the import direction: a package may import what its longest matching prefix lists, itself and its own
// subfolders' needs. A room that isn't here fails the test.
var mayImport = map[string][]string{
	"catalog/sql":    {},
	"catalog":        {"catalog/sql", "catalog"},
	"stats/moment":   {},
	"stats/sketch":   {},
	"stats":          {"stats", "stats/moment"},
	"state":          {"state", "catalog", "catalog/sql", "stats/moment", "stats/sketch"},
	"cube":           {"cube", "catalog", "catalog/sql", "stats/moment", "stats/sketch"},
	"stream/results": {"stream/results", "catalog", "catalog/sql", "stats", "stats/moment", "stats/sketch", "cube", "state"},
	"stream/decode":  {"stream/decode", "catalog", "catalog/sql", "stats/moment", "state"},
	"stream":         {"stream", "catalog", "catalog/sql", "stats", "stats/moment", "stats/sketch", "cube", "state"},
	"sink":           {"sink", "catalog", "catalog/sql", "stats", "stats/moment", "stream"},
	"cmd":            {""},
	"bench/protocol": {"catalog", "stats", "stream"},
	"bench":          {"bench", "catalog", "stats", "state", "cube", "stream", "sink"},
}

// packages lists the folders with Go files, relative to the module root, without modules of their own.
func packages(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		name := entry.Name()
		if path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "vendor") {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != "." {
			return filepath.SkipDir
		}
		if files, _ := filepath.Glob(filepath.Join(path, "*.go")); len(files) > 0 && path != "." {
			out = append(out, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func rule(path string) (allowed []string, ok bool) {
	for p := path; p != "."; p = filepath.ToSlash(filepath.Dir(p)) {
		if allowed, ok = mayImport[p]; ok {
			return allowed, true
		}
	}
	return nil, false
}

func within(path, room string) bool {
	return room == "" || path == room || strings.HasPrefix(path, room+"/")
}

func TestImportsFollowTheDirection(t *testing.T) {
	for _, path := range packages(t) {
		allowed, ok := rule(path)
		if !ok {
			t.Errorf("%s is in no room of mayImport: add it, or put its code in a room that exists", path)
			continue
		}
		pkg, err := build.ImportDir(path, 0)
		if err != nil {
			if _, none := err.(*build.NoGoError); none {
				continue // tests only
			}
			t.Errorf("%s: %v", path, err)
			continue
		}
		for _, imported := range pkg.Imports {
			rest, ours := strings.CutPrefix(imported, module)
			if ours && !slices.ContainsFunc(allowed, func(room string) bool { return within(rest, room) }) {
				t.Errorf("%s imports %s: not in the direction of DESIGN.md", path, rest)
			}
		}
	}
}

func TestEveryPackageHasOneDoc(t *testing.T) {
	for _, path := range packages(t) {
		pkg, err := build.ImportDir(path, build.ImportComment)
		if err != nil {
			continue // tests only
		}
		word := "Package " + pkg.Name
		if pkg.Name == "main" {
			word = "Command "
		}
		docs := 0
		for _, file := range pkg.GoFiles {
			text, err := os.ReadFile(filepath.Join(path, file))
			if err != nil {
				t.Fatal(err)
			}
			before, _, _ := strings.Cut(string(text), "\npackage ")
			if strings.HasPrefix(string(text), "// "+word) || strings.Contains(before, "\n// "+word) {
				docs++
				if strings.HasSuffix(before, "\n") {
					t.Errorf("%s/%s: a blank line keeps its package doc from the package", path, file)
				}
			}
		}
		if docs != 1 {
			t.Errorf("%s has %d package docs that begin with %q, want 1", path, docs, "// "+word)
		}
	}
}
