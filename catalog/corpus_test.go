package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// TestBrokenCorpus loads each file of testdata/broken beside testdata/base.yaml and compares the findings with its
// sidecar: place and width, code, message and hint, one finding a line. With -update the sidecars are rewritten; read
// them line by line.
func TestBrokenCorpus(t *testing.T) {
	base, err := os.ReadFile("testdata/base.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := func(text []byte) fstest.MapFS {
		return fstest.MapFS{"base.yaml": {Data: base}, "export.csv": {}, "x.yaml": {Data: text}}
	}
	if set, findings := LoadFS(files(nil), ""); set == nil || len(findings) > 0 {
		t.Fatalf("the base has findings:\n%s", rendered(findings))
	}
	names, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(names) < 45 {
		t.Fatalf("%d broken files, want at least 45 (%v)", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, findings := LoadFS(files(text), "")
			got := sidecar(findings)
			sidecarName := strings.TrimSuffix(name, ".yaml") + ".want"
			if *update {
				if err := os.WriteFile(sidecarName, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(sidecarName)
			if err != nil {
				t.Fatal(err)
			}
			if len(findings) == 0 || got != string(want) {
				t.Errorf("findings of %s:\n%s\nwant:\n%s", name, got, want)
			}
			for _, d := range findings {
				if _, ok := Explanation(d.Code); !ok {
					t.Errorf("code %s has no explanation", d.Code)
				}
			}
		})
	}
}

func sidecar(findings []Diagnostic) string {
	var b strings.Builder
	for _, d := range findings {
		fmt.Fprintf(&b, "%s:%d:%d+%d %s[%s] %s\n", d.Pos.File, d.Pos.Line, d.Pos.Column, d.Width, d.Severity, d.Code, d.Message)
		if d.Hint != "" {
			b.WriteString("    " + d.Hint + "\n")
		}
	}
	return b.String()
}
