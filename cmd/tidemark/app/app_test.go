package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream"
)

var rewrite = flag.Bool("rewrite", false, "write the goldens anew")

// call runs a command line.
func call(args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = run(context.Background(), args, terminal{in: strings.NewReader(""), out: &o, err: &e})
	return code, o.String(), e.String()
}

func TestHelpIsAsReviewed(t *testing.T) {
	for _, command := range []string{"", "demo", "serve", "analyze", "check", "results", "calc", "power", "simulate", "state", "state inspect", "state verify", "state rejects", "state accept", "explain", "explain hash", "schema", "version"} {
		code, out, _ := call(append(strings.Fields(command), "--help")...)
		out = strings.ReplaceAll(out, filepath.Join(os.TempDir(), "tidemark-demo"), "TMP/tidemark-demo")
		golden := filepath.Join("testdata", "help", strings.ReplaceAll("tidemark "+command, " ", "-")+".txt")
		golden = strings.Replace(golden, "tidemark-.txt", "tidemark.txt", 1)
		if *rewrite {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if code != exitOK || out != string(want) {
			t.Errorf("%s --help exits %d and prints\n%s\nwant (go test ./cmd/tidemark/app -rewrite after review)\n%s", command, code, out, want)
		}
		if lines := strings.Count(out, "\n"); lines > 50 {
			t.Errorf("%s --help has %d lines: more than a screen", command, lines)
		}
	}
}

func TestExitCodes(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"check testdata/mistake", exitFailure, `did you mean "PURCHASE"?`},
		{"check testdata/shop", exitOK, "no findings"},
		{"check testdata/shop -o yaml", exitUsage, "want text, json or github"},
		{"check " + filepath.Join(empty, "missing"), exitFailure, "missing"},
		{"analyse testdata/shop", exitUsage, "analyze"},
		{"analyze testdata/shop --slices all --source order=x", exitUsage, "no source"},
		{"analyze testdata/shop --source orders=" + filepath.Join(empty, "none.csv"), exitFailure, "none.csv"},
		{"analyze testdata/shop --experiment shipping2", exitFailure, "shipping"},
		{"analyze testdata/shop --nonsense", exitUsage, "nonsense"},
		{"serve testdata/mistake", exitFailure, "unknown event"},
		{"serve testdata/shop --listen 0.0.0.0:8080", exitUsage, "--insecure-listen"},
		{"results shipping --server http://127.0.0.1:1", exitUnreachable, "tidemark serve"},
		{"explain E999", exitUsage, "E999"},
		{"explain e049", exitOK, "final look"},
		{"state accept x y 1", exitUsage, "--why"},
		{"state verify " + empty + " --definitions testdata/shop", exitFailure, "no state"},
	} {
		code, out, errOut := call(strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out+errOut, c.says) {
			t.Errorf("tidemark %s exits %d, want %d, and says %q, want something with %q", c.args, code, c.code, out+errOut, c.says)
		}
	}
}

func TestFailuresHaveTheirCodes(t *testing.T) {
	for err, want := range map[error]int{
		&stream.StoreError{Doing: "commit", Err: fmt.Errorf("write: %w", syscall.ENOSPC)}: exitDiskFull,
		&stream.StoreError{Doing: "commit", Err: fmt.Errorf("write: %w", syscall.EIO)}:    exitDisk,
		fmt.Errorf("run: %w", &stream.DeadlineError{Doing: "commit"}):                     exitDisk,
		fmt.Errorf("open: %w", state.ErrCorrupt):                                          exitCorrupt,
		fmt.Errorf("open: %w", state.ErrFormat):                                           exitFormat,
		errors.New("anything else"):                                                       exitFailure,
	} {
		if got := failure(err); got != want {
			t.Errorf("%v exits %d, want %d", err, got, want)
		}
	}
}

// TestSourceFlagReadsAFileInsteadOfATopic: the definition says Kafka and JSON, the file is CSV.
func TestSourceFlagReadsAFileInsteadOfATopic(t *testing.T) {
	dir := t.TempDir()
	definitions, err := os.ReadFile("testdata/shop/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kafka := strings.Replace(string(definitions), "format: csv, files: [orders.csv]", "format: json, kafka: {topic: orders, keyed_by: user_id}", 1)
	if err := os.WriteFile(filepath.Join(dir, "shop.yaml"), []byte(kafka), 0o600); err != nil {
		t.Fatal(err)
	}
	code, text, errOut := call("analyze", dir, "--source", "orders=testdata/shop/orders.csv", "--source", "exposures=testdata/shop/exposures.ndjson", "-o", "csv")
	if code != exitOK || !strings.Contains(text, "30.5") {
		t.Errorf("exit %d: %s%s", code, text, errOut)
	}
}

func TestAnalyzePrintsTheSameNumbersInEveryFormat(t *testing.T) {
	code, table, errOut := call("analyze", "testdata/shop", "--slices", "all")
	if want := "warning: event PURCHASE: 1 of 6 rejected or late (type_mismatch 1)\n"; !strings.Contains(errOut, want) {
		t.Errorf("standard error is %q, want %q in it", errOut, want)
	}
	if code != exitOK || !strings.Contains(table, "shipping") {
		t.Fatalf("exit %d: %s%s", code, table, errOut)
	}
	code, text, _ := call("analyze", "testdata/shop", "--slices", "all", "-o", "json")
	var r struct {
		Experiment string
		Subjects   map[string]int64
		Ledger     struct {
			Records map[string]struct{ Read, Rejected, Evaluated int64 }
		}
		Rows []struct {
			Metric    string
			Slice     map[string]string
			ByVariant map[string]struct {
				N      int64
				SumNum string `json:"sum_num"`
			} `json:"by_variant"`
		}
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil || code != exitOK {
		t.Fatalf("exit %d, %v in %s", code, err, text)
	}
	// testdata/shop: four users, two an arm; one line of orders is not a number.
	if r.Subjects["control"] != 2 || r.Subjects["free"] != 2 {
		t.Errorf("subjects %v, want 2 and 2", r.Subjects)
	}
	if l := r.Ledger.Records["orders"]; l.Read != 6 || l.Read != l.Rejected+l.Evaluated {
		t.Errorf("orders: %+v, want 6 read and a balance", l)
	}
	if got := r.Rows[0].ByVariant["free"].SumNum; len(r.Rows[0].Slice) != 0 || got != "30.5" {
		t.Errorf("revenue of free is %s in %v, want 30.5 in the whole", got, r.Rows[0].Slice)
	}
	code, csv, _ := call("analyze", "testdata/shop", "--slices", "all", "-o", "csv")
	if lines := strings.Count(csv, "\n"); code != exitOK || lines < len(r.Rows)+1 {
		t.Errorf("CSV has %d lines for %d rows", lines, len(r.Rows))
	}
}
