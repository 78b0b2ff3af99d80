package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/stats/calc"
)

// fenced returns the blocks of a language in a page of docs.
func fenced(t *testing.T, page, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// Every definition that docs show in whole is one that loads without a finding, and has the keys that it is there to show.
func TestDefinitionsInDocsAreValid(t *testing.T) {
	var blocks []string
	for _, block := range fenced(t, "statistics.md", "yaml") {
		if strings.Contains(block, "sources:") { // the others are parts of an experiment
			blocks = append(blocks, block)
		}
	}
	if len(blocks) != 1 {
		t.Fatalf("docs/statistics.md has %d whole definitions, want one", len(blocks))
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "all.yaml"), blocks[0])
	if code, out, errOut := call("check", dir); code != exitOK || !strings.HasPrefix(out+errOut, "no findings") {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
	for _, key := range []string{"correction:", "mixture:", "final_look:", "lift:", "interval:", "min_deviation:", "cap:", "winsorize:", "QUANTILE", "P95", "strict:", "across: subjects", "pre_period:", "ramp:"} {
		if !strings.Contains(blocks[0], key) {
			t.Errorf("the example has no %s", key)
		}
	}
}

// TestRequestInDocsIsAnswered: the request that docs show has an answer to each of its parts, and every key that a request can have is named beside it.
func TestRequestInDocsIsAnswered(t *testing.T) {
	blocks := fenced(t, "statistics.md", "json")
	if len(blocks) != 1 {
		t.Fatalf("docs/statistics.md has %d requests, want one", len(blocks))
	}
	code, out, errOut := send(blocks[0], "calc", "-o", "json")
	if code != exitOK {
		t.Fatal(errOut)
	}
	printed(t, out, "tuning.v_cuped", 4000, 0)
	printed(t, out, "multiplicity.holm.0", .008, 12)
	for _, part := range []string{"difference", "cuped", "guardrail", "srm", "power"} {
		if field(t, out, part) == nil {
			t.Errorf("nothing answers %s in %s", part, out)
		}
	}
	text, err := os.ReadFile("../../../docs/statistics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## By hand\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, of := range []reflect.Type{reflect.TypeFor[calc.Request](), reflect.TypeFor[calc.Tuning](), reflect.TypeFor[calc.Limit](), reflect.TypeFor[calc.Power]()} {
		for i := range of.NumField() {
			key, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if !strings.Contains(section, "`"+key+"`") {
				t.Errorf("docs/statistics.md says nothing of the key %s", key)
			}
		}
	}
}

// The commands of docs/csv.md do what is printed there.
func TestCSVPageRuns(t *testing.T) {
	if _, err := exec.LookPath("awk"); err != nil {
		t.Skip("there is no awk to make the file with")
	}
	dir := t.TempDir()
	shell := exec.Command("sh", "-c", fenced(t, "csv.md", "sh")[0])
	shell.Dir = dir
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	write(t, filepath.Join(dir, "trial", "trial.yaml"), fenced(t, "csv.md", "yaml")[0])
	page, err := os.ReadFile("../../../docs/csv.md")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, block := range regexp.MustCompile(`(?m)^    \$ tidemark (.*)\n((?:    [^$].*\n)+)`).FindAllStringSubmatch(string(page), -1) {
		args := strings.Fields(block[1])
		for i, a := range args {
			if a == "trial" {
				args[i] = filepath.Join(dir, "trial")
			}
		}
		code, out, errOut := call(args...)
		got := strings.Split(strings.TrimSpace(out+errOut), "\n")
		want := strings.Split(strings.TrimSpace(block[2]), "\n")
		if code != exitOK || len(got) != len(want) {
			t.Errorf("tidemark %s exits %d and prints\n%s%s", block[1], code, out, errOut)
			continue
		}
		for i, line := range want {
			pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(line)), "…", ".*") // what the page leaves open, such as an instant
			if !regexp.MustCompile("^" + pattern + "$").MatchString(got[i]) {
				t.Errorf("tidemark %s prints\n%s\nand the page says\n%s", block[1], got[i], line)
			}
		}
		ran++
	}
	if ran != 2 {
		t.Errorf("%d commands were run, want 2", ran)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
