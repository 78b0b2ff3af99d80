package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const small = "source: {id: %s, kafka: {topic: t}}\n"

// TestLoadWalks reads every YAML file below a folder, in order, and nothing else.
func TestLoadWalks(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("b.yaml", fmt.Sprintf(small, "b"))
	write("a/deep/a.yml", "\ufeff"+fmt.Sprintf(small, "a"))
	write("C.YAML", fmt.Sprintf(small, "c"))
	write(".hidden.yaml", "not: read\n")
	write(".git/x.yaml", "not: read\n")
	write("notes.txt", "not: read\n")
	write("empty.yaml", "# nothing here\n---\n---\n")
	// As Kubernetes mounts a configuration: a link to a file in a hidden folder.
	write("..data/d.yaml", fmt.Sprintf(small, "d"))
	if err := os.Symlink(filepath.Join("..data", "d.yaml"), filepath.Join(dir, "d.yaml")); err != nil {
		t.Fatal(err)
	}
	r := Check(dir)
	if r.Set == nil {
		t.Fatal(rendered(r.Findings))
	}
	var ids []string
	for _, s := range r.Set.Sources {
		ids = append(ids, s.ID)
	}
	if got := strings.Join(ids, " "); got != "a b c d" || r.Files != 5 {
		t.Errorf("sources %q of %d files", got, r.Files)
	}
	if got, want := r.Set.Sources[0].Pos.File, filepath.Join(dir, "a", "deep", "a.yml"); got != want {
		t.Errorf("file is named %q, want %q", got, want)
	}
	one := Check(filepath.Join(dir, "b.yaml"))
	if one.Set == nil || len(one.Set.Sources) != 1 || one.Files != 1 {
		t.Errorf("a single file: %s", rendered(one.Findings))
	}
}

// refusingFS is a file system one of whose files can't be read.
type refusingFS struct {
	fstest.MapFS
	name string
}

func (r refusingFS) ReadFile(name string) ([]byte, error) {
	if name == r.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return r.MapFS.ReadFile(name)
}

// TestLoadRefuses covers what is wrong with files rather than with what they say.
func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no definitions", "# nothing\n", "defs:1:1 E014 no definitions in defs"},
		{"too large", "# " + strings.Repeat("x", maxFileBytes), fmt.Sprintf("defs/x.yaml:1:1 E003 the file has %d bytes, the limit is 1048576", maxFileBytes+2)},
		{"not UTF-8", "source:\n  id: \xff\n", "defs/x.yaml:2:7 E002 not UTF-8 text"},
		{"zero bytes", "a: \x00\n", "defs/x.yaml:1:4 E002 not UTF-8 text"},
		{"carriage return", "source:\r\n  id: a\rb\n", "defs/x.yaml:2:1 E002 a carriage return without a line feed"},
		{"tab in quotes", "source:\n  id: \"a\tb\"\n", "defs/x.yaml:2:7 E002 a tab inside quoted text"},
		{"many keys", "a:\n" + strings.Repeat("  k: 1\n", maxMappingKeys+1), fmt.Sprintf("defs/x.yaml:%d:4 E003 a mapping with more than 1000 keys", maxMappingKeys+2)},
		{"much structure", "a: [" + strings.Repeat("1,", maxStructure) + "1]\n", "defs/x.yaml:1:1 E003 the document has more than 200000 signs of structure"},
		{"many tokens", "a: [" + strings.Repeat("1,", maxTokens*3/4) + "1]\n", fmt.Sprintf("defs/x.yaml:1:%d E003 the document has more than 100000 tokens", 5+maxTokens-3)},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, findings := LoadFS(fstest.MapFS{"x.yaml": {Data: []byte(c.text)}}, "defs")
			if len(findings) != 1 {
				t.Fatalf("%d findings: %s", len(findings), rendered(findings))
			}
			d := findings[0]
			if got := fmt.Sprintf("%s %s %s", place(d.Pos), d.Code, d.Message); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	files := fstest.MapFS{"a.yaml": {Data: []byte("metrik: 1\n")}, "b.yaml": {Data: []byte("x: 1\n")}}
	_, findings := LoadFS(refusingFS{files, "b.yaml"}, "")
	if len(findings) != 2 || findings[1].Code != "E001" || !strings.Contains(findings[1].Message, "b.yaml: permission denied") {
		t.Errorf("an unreadable file beside a wrong one: %s", rendered(findings))
	}
	if r := Check(filepath.Join(t.TempDir(), "nowhere")); r.Set != nil || r.Findings[0].Code != "E001" {
		t.Errorf("a folder that does not exist: %s", rendered(r.Findings))
	}
}

// TestBombsAreCheap loads hostile files of up to the size limit: none may end the process or take long.
func TestBombsAreCheap(t *testing.T) {
	n := maxFileBytes - 100
	bombs := map[string]string{
		"aliases": "a: &a [x, x]\n" + strings.Repeat("b: [*a, *a]\n", n/12), "flow": "a: [" + strings.Repeat("1,", n/2) + "]", "keys": strings.Repeat("a: 1\n", n/5),
		"deep flow": strings.Repeat("[", n), "deep mapping": strings.Repeat("{a: ", n/4), "deep list": strings.Repeat("- ", n/2), "dashes": strings.Repeat("-\n", n/2),
		"quotes": strings.Repeat("'", n), "escapes": `a: "` + strings.Repeat(`\x41`, n/4) + `"`, "block": "a: |\n" + strings.Repeat("  x\n", n/4),
		"tags": strings.Repeat("!!a ", n/4), "colons": strings.Repeat(":", n), "questions": strings.Repeat("? ", n/2), "documents": strings.Repeat("---\n", n/4),
		"ids": "metric: {id: " + strings.Repeat("x", n-20) + "}", "sql": "event: {id: X, sql: '" + strings.Repeat("(", n-40) + "'}", "spaces": strings.Repeat(" ", n), "newlines": strings.Repeat("\n", n),
		"unknown": strings.Repeat("k: {}\n---\n", n/10), "indent": indented(1400), "comments": strings.Repeat("# x\n", n/4), "folded": "a: >\n" + strings.Repeat("  x\n\n", n/5),
		"merge": strings.Repeat("<<: {}\n", n/8), "crlf": strings.Repeat("\r\n", n/2), "tabs": "a:" + strings.Repeat("\t", n), "plain": "a: " + strings.Repeat("x ", n/2),
		"percent": strings.Repeat("%a\n", n/3), "pipes": strings.Repeat("a: |\n", n/5), "anchors": strings.Repeat("&a ", n/3), "brackets": strings.Repeat("[]", n/2),
	}
	for _, name := range sortedKeys(bombs) {
		began := time.Now()
		_, findings := LoadFS(fstest.MapFS{"x.yaml": {Data: []byte(bombs[name])}}, "")
		took := time.Since(began)
		t.Logf("%-12s %7d bytes %8v %d findings", name, len(bombs[name]), took.Round(time.Millisecond), len(findings))
		if len(findings) == 0 {
			t.Errorf("%s: nothing was found", name)
		}
		if took > 20*time.Second { // quadratic time in a megabyte is minutes; anything else is a slow machine
			t.Errorf("%s took %v", name, took)
		}
	}
}

func indented(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// TestLineEnds gives the same findings for a file with Windows line ends.
func TestLineEnds(t *testing.T) {
	text := "event:\n  id: X\n  sql: |\n    SELECT user_id,\n           LOWR(a) AS b\n    FROM ads\nmetric:\n  idd: 5\n"
	_, unix := loadText(text)
	_, windows := loadText(strings.ReplaceAll(text, "\n", "\r\n"))
	if a, b := sidecar(unix), sidecar(windows); a != b || len(unix) == 0 {
		t.Errorf("with \\n:\n%s\nwith \\r\\n:\n%s", a, b)
	}
}

// TestSecretsAreNotPrinted holds findings to masking whatever stands where a secret belongs.
func TestSecretsAreNotPrinted(t *testing.T) {
	for _, text := range []string{
		"receiver: {id: r, pagerduty: {routing_key: verysecret}}",
		"receiver: {id: r, webhook: {url: 'https://u:verysecret@example.com', secret_file: s}}",
		"receiver: {id: r, slack: {url: 'https://hooks.slack.com/services/verysecret'}}",
		"receiver: {id: r, slack: {url_file: 'https://hooks.slack.com/services/verysecret'}}",
		"receiver: {id: r, webhook: {url: 'https://example.com', secret_file: whsec_verysecret}}",
		"receiver: {id: r, webhook: {url: 'https://example.com', secret: verysecret, nonsense: 1}}",
	} {
		_, findings := loadText(text)
		if !slices.ContainsFunc(findings, func(d Diagnostic) bool { return d.Code == "E016" }) {
			t.Errorf("%s\nis not refused: %s", text, rendered(findings))
		}
		if out := rendered(findings); strings.Contains(out, "verysecret") {
			t.Errorf("a finding prints the secret:\n%s", out)
		}
	}
}

// TestPathsAreRelativeToTheFile resolves what a definition names beside itself.
func TestPathsAreRelativeToTheFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "defs", "shop"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"defs/shop/a.yaml":        "source: {id: s, files: ['../../data/*.csv', one.csv.gz]}\n---\nreceiver: {id: r, slack: {url_file: secrets/slack}}\n",
		"defs/shop/one.csv.gz":    "",
		"data/2.csv":              "",
		"data/1.csv":              "",
		"defs/shop/one.csv.gz.md": "",
	} {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set, findings := Load(filepath.Join(dir, "defs"))
	if set == nil {
		t.Fatal(rendered(findings))
	}
	s := set.Sources[0]
	want := []string{filepath.Join(dir, "data", "1.csv"), filepath.Join(dir, "data", "2.csv"), filepath.Join(dir, "defs", "shop", "one.csv.gz")}
	if !slices.Equal(s.Files, want) || s.Format != CSV || !s.Bounded() || s.Lateness != NoLateness {
		t.Errorf("files %q, format %s, lateness %v", s.Files, s.Format, s.Lateness)
	}
	if got, want := set.Receivers[0].Slack.URLFile, filepath.Join(dir, "defs", "shop", "secrets", "slack"); got != want {
		t.Errorf("secret is %q, want %q", got, want)
	}
	if err := set.UseFiles("s", []string{"x.ndjson"}); err != nil || s.Format != JSON || s.Files[0] != "x.ndjson" {
		t.Errorf("UseFiles: %v, %+v", err, s)
	}
	if err := set.UseFiles("t", nil); err == nil {
		t.Error("UseFiles takes a source that does not exist")
	}
}

// FuzzLoad feeds files to the loader: it must neither panic nor return a set together with errors, nor place a finding
// outside the file.
func FuzzLoad(f *testing.F) {
	f.Add(designDefinitions)
	f.Add(everyKey)
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) { checkLoad(t, text) })
}

func checkLoad(t *testing.T, text string) {
	t.Helper()
	set, findings := loadText(text)
	if (set == nil) != HasErrors(findings) {
		t.Fatalf("set %v with findings %v", set != nil, findings)
	}
	lines := strings.Split(text, "\n")
	for _, d := range findings {
		if d.Pos.Line < 1 || d.Pos.Column < 1 || d.Width < 1 || d.Pos.Line > len(lines)+1 {
			t.Fatalf("finding outside the file: %+v\n%q", d, text)
		}
		if line := strings.TrimSuffix(lines[min(d.Pos.Line, len(lines))-1], "\r"); d.Pos.Column > characters(strings.TrimPrefix(line, "\ufeff"))+1 {
			t.Fatalf("finding behind the end of its line: %+v\n%q", d, text)
		}
	}
	rendered(findings)
	if set != nil {
		if _, err := set.Plans(); err != nil {
			t.Fatalf("a valid set does not compile: %v\n%q", err, text)
		}
		set.Hash()
	}
}

// TestMutatedDefinitions is the fuzz target's everyday form: seeded damage to good definitions.
func TestMutatedDefinitions(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 200 {
		text := []byte([]string{designDefinitions, everyKey}[r.IntN(2)])
		for range 1 + r.IntN(4) {
			mutate(r, &text)
		}
		checkLoad(t, string(text))
	}
}

func mutate(r *rand.Rand, text *[]byte) {
	s := *text
	i := r.IntN(len(s))
	switch r.IntN(5) {
	case 0:
		const signs = "{}[]:,-'\"|>#&*!?% \n\tx0"
		s[i] = signs[r.IntN(len(signs))]
	case 1:
		*text = slices.Delete(s, i, min(len(s), i+1+r.IntN(20)))
	case 2:
		*text = slices.Insert(s, i, s[r.IntN(i+1):i]...)
	case 3:
		*text = slices.Insert(s, i, []byte("\n  ")...)
	case 4:
		*text = slices.Insert(s, i, byte(r.IntN(256)))
	}
	if len(*text) == 0 {
		*text = []byte("x")
	}
}

// TestFindingsAreListedOnce checks what two definitions share for each of them, and says it once.
func TestFindingsAreListedOnce(t *testing.T) {
	text := strings.Replace(designDefinitions, "  type: BINOMIAL\n", "  where: platfrm = 'ios'\n  direction: up\n", 1)
	_, findings := loadText(strings.Replace(text, "event: CLICK, ", "event: IMPRESSION, ", 1))
	var errs []Diagnostic
	for _, d := range findings {
		if d.Severity == Error {
			errs = append(errs, d)
		}
	}
	if len(errs) != 1 || errs[0].Code != "E035" {
		t.Errorf("%s", rendered(findings))
	}
}

var errTest = errors.New("test")

// TestCauseNamesTheReasonOnce keeps "open x: open x: …" out of findings.
func TestCauseNamesTheReasonOnce(t *testing.T) {
	if got := cause(&fs.PathError{Op: "open", Path: "x", Err: errTest}); got != "test" {
		t.Errorf("got %q", got)
	}
}
