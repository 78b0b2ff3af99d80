// Package catalogtest gives other packages' tests real definitions from a few lines of YAML.
// It owns nothing and imports catalog only; a definition with an error fails the test that asked for it.
package catalogtest

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tidemark/tidemark/catalog"
)

// Parse loads definitions from YAML text (documents divided by ---) and fails the test on any error.
func Parse(t testing.TB, yaml string) *catalog.Set {
	t.Helper()
	set, findings := catalog.LoadFS(fstest.MapFS{"test.yaml": {Data: []byte(yaml)}}, "")
	if set == nil || catalog.HasErrors(findings) {
		var b strings.Builder
		if err := catalog.RenderText(&b, findings, catalog.RenderOptions{Files: 1}); err != nil {
			t.Fatal(err)
		}
		t.Fatalf("definitions are not valid:\n%s", b.String())
	}
	return set
}

// Plan loads definitions and returns the plan of their only subject type.
func Plan(t testing.TB, yaml string) *catalog.Plan {
	t.Helper()
	plans, err := Parse(t, yaml).Plans()
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) != 1 {
		t.Fatalf("definitions have %d subject types, want 1", len(plans))
	}
	return plans[0]
}
