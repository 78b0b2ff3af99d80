package mutants

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is one block of mutants.txt.
type mutant struct {
	name, wrong, file, pkg, test string
	gone, come                   []string
}

func read(t *testing.T) []mutant {
	t.Helper()
	text, err := os.ReadFile("mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []mutant
	for _, block := range strings.Split(string(text), "\n== ")[1:] {
		lines := strings.Split(strings.TrimRight(block, "\n"), "\n")
		where := strings.Fields(lines[2])
		if len(lines) < 5 || len(where) != 3 {
			t.Fatalf("mutants.txt: %q is not a block", lines[0])
		}
		m := mutant{name: lines[0], wrong: lines[1], file: where[0], pkg: where[1], test: where[2]}
		for _, line := range lines[3:] {
			switch {
			case strings.HasPrefix(line, "-"):
				m.gone = append(m.gone, line[1:])
			case strings.HasPrefix(line, "+"):
				m.come = append(m.come, line[1:])
			}
		}
		out = append(out, m)
	}
	return out
}

func TestEveryMutantIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: mutants are not short")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	list := read(t)
	if len(list) < 15 {
		t.Errorf("%d mutants, want at least 15", len(list))
	}
	for _, m := range list {
		t.Run(m.name, func(t *testing.T) { try(t, root, m) })
	}
}

// try compiles the mutant in and runs its test, which must fail by a failing test, not by the compiler.
func try(t *testing.T, root string, m mutant) {
	path := filepath.Join(root, m.file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gone := strings.Join(m.gone, "\n")
	if n := strings.Count(string(text), gone); n != 1 {
		t.Fatalf("%s has the lines %d times, want once:\n%s", m.file, n, gone)
	}
	changed := filepath.Join(t.TempDir(), "mutant.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), gone, strings.Join(m.come, "\n"), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "test", "-count=1", "-vet=off", "-timeout=10m", "-overlay", overlayFile, "-run", m.test, m.pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "TIDEMARK_CASES=4000")
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		t.Errorf("%s %s does not see it: %s\n%s", m.pkg, m.test, m.wrong, out)
	case strings.Contains(string(out), "panic: test timed out"):
		t.Errorf("%s %s did not decide in ten minutes: %s", m.pkg, m.test, m.wrong)
	case strings.Contains(string(out), "[build failed]") || strings.Contains(string(out), "no tests to run"):
		t.Errorf("%s %s did not run:\n%s", m.pkg, m.test, out)
	}
}
