package tidemark

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fence     = regexp.MustCompile("(?ms)^```.*?^```")
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	namedTest = regexp.MustCompile(`\b(?:Test|Benchmark|Fuzz)[A-Z]\w+`)
	defined   = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)[A-Z]\w+)\(`)
	namedFile = regexp.MustCompile("`([a-z]+(?:/[a-z_0-9]+)*/[a-z_0-9]+\\.(?:go|md|txt|sh))`")
	namedRoom = regexp.MustCompile("`((?:bench|catalog|cmd|cube|sink|state|stats|stream)(?:/[a-z]+)*)`")
)

// walk calls f for every file below the root whose name ends so, hidden folders left out.
func walk(t *testing.T, end string, f func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, end):
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil {
			f(path, string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLinksOfDocumentsResolve follows every link of a document to a file of the tree.
func TestLinksOfDocumentsResolve(t *testing.T) {
	n := 0
	walk(t, ".md", func(path, text string) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			to, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %q is no link: %v", path, m[1], err)
				continue
			}
			if to.Scheme != "" || to.Path == "" {
				continue
			}
			n++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), filepath.FromSlash(to.Path))); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
		}
	})
	if n == 0 {
		t.Error("no document has a link: the test looks for the wrong thing")
	}
}

// TestDesignNamesWhatExists holds DESIGN.md to the tree: a test, file or package that it names must be there.
func TestDesignNamesWhatExists(t *testing.T) {
	tests := map[string]bool{}
	walk(t, "_test.go", func(_, text string) {
		for _, m := range defined.FindAllStringSubmatch(text, -1) {
			tests[m[1]] = true
		}
	})
	text, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	names := namedTest.FindAllString(string(text), -1)
	if len(names) == 0 {
		t.Error("DESIGN.md names no test: the test looks for the wrong thing")
	}
	for _, name := range names {
		if !tests[name] {
			t.Errorf("DESIGN.md names %s, which no package has", name)
		}
	}
	for _, named := range []*regexp.Regexp{namedFile, namedRoom} {
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.FromSlash(m[1])); err != nil {
				t.Errorf("DESIGN.md names %s, which is not there", m[1])
			}
		}
	}
}
