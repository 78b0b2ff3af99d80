package realdata

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/stream/results"
)

func TestUdacityReproducesTheReference(t *testing.T) {
	data := filepath.Join(dataDir(t), "udacity_ab")
	rowsFile, countries := filepath.Join(data, "ab_data.csv.gz"), filepath.Join(data, "countries.csv.gz")
	var want struct {
		Analysis_cleaned, Analysis_raw_exclude_crossover, Analysis_raw_first_arm reference
	}
	load(t, filepath.Join(data, "reference.json"), &want)

	t.Run("cleaned", func(t *testing.T) {
		r := analyze(t, "udacity_clean", map[string][]string{"rows": {rowsFile}, "countries": {countries}})["landing_page"]
		cleaned := want.Analysis_cleaned
		cleaned.Metrics = map[string]metricReference{"CONVERTED": cleaned.Metrics["converted"]}
		t.Logf("%d figures compared", checkWhole(t, r, cleaned))
		checkCube(t, r, filepath.Join(data, "reference_cube.jsonl.gz"), map[string]string{"converted": "CONVERTED"})
	})
	t.Run("crossovers excluded", func(t *testing.T) {
		r := analyze(t, "udacity_raw", map[string][]string{"rows": {rowsFile}})["landing_page"]
		t.Logf("%d figures compared", checkWhole(t, r, want.Analysis_raw_exclude_crossover))
		if r.Crossovers != 1895 {
			t.Errorf("%d crossovers, want 1895", r.Crossovers)
		}
	})
	t.Run("crossovers by their first arm", func(t *testing.T) {
		r := analyze(t, "udacity_first", map[string][]string{"rows": {rowsFile}})["landing_page"]
		t.Logf("%d figures compared", checkWhole(t, r, want.Analysis_raw_first_arm))
	})
}

func TestCDNOWReproducesTheReference(t *testing.T) {
	data := filepath.Join(dataDir(t), "cdnow")
	file := write(t, "cdnow.csv", strings.Join(cdnowRows(t, data), "\n")+"\n")
	var want struct {
		Full_period reference
		Cuped       struct {
			Theta_within_arms cupedReference
		}
	}
	load(t, filepath.Join(data, "reference.json"), &want)

	t.Run("cube", func(t *testing.T) {
		r := analyze(t, "cdnow", map[string][]string{"purchases": {file}})["cdnow_aa"]
		t.Logf("%d figures compared", checkWhole(t, r, want.Full_period, "repeat_buyer"))
		checkCube(t, r, filepath.Join(data, "reference_cube.jsonl.gz"), nil)
	})
	t.Run("CUPED", func(t *testing.T) {
		r := analyze(t, "cdnow_cuped", map[string][]string{"purchases": {file}})["cdnow_cuped"]
		row := rows(r)["dollars|"]
		checkCUPED(t, row, want.Cuped.Theta_within_arms)
	})
}

func TestOnlineRetailReproducesTheReference(t *testing.T) {
	data := filepath.Join(dataDir(t), "online_retail_2009")
	var want struct{ Full_period reference }
	load(t, filepath.Join(data, "reference.json"), &want)
	all := analyze(t, "online_retail", map[string][]string{"lines": {filepath.Join(data, "online_retail_2009.csv.gz")}})

	t.Run("subject cube", func(t *testing.T) {
		t.Logf("%d figures compared", checkWhole(t, all["retail_aa"], want.Full_period))
		checkCube(t, all["retail_aa"], filepath.Join(data, "reference_cube.jsonl.gz"), nil)
	})
	t.Run("event cube", func(t *testing.T) {
		names := map[string]string{"revenue": "placed_revenue", "invoices": "placed_invoices", "revenue_per_line": "placed_revenue_per_line"}
		checkCube(t, all["retail_events"], filepath.Join(data, "reference_event_cube.jsonl.gz"), names)
	})
	t.Run("missing ids are rejected and kept count of", func(t *testing.T) {
		ledger := all["retail_aa"].Ledger
		line := ledger.Events["LINE"]
		if line.Reasons["missing_subject"] != 107_927 || line.Accepted != 525_461-107_927 {
			t.Errorf("LINE: %+v, want 107,927 without a subject and 417,534 accepted", line)
		}
		balanced(t, all["retail_aa"])
		balanced(t, all["retail_events"])
	})
}

func TestMovieLensReproducesTheReference(t *testing.T) {
	data := filepath.Join(dataDir(t), "movielens_small")
	genre := map[string]string{}
	for _, line := range lines(t, filepath.Join(data, "movies.csv.gz"))[1:] {
		id, rest, _ := strings.Cut(line, ",")
		all := rest[strings.LastIndexByte(rest, ',')+1:]
		genre[id], _, _ = strings.Cut(all, "|")
	}
	var csv strings.Builder
	for i, line := range lines(t, filepath.Join(data, "ratings.csv.gz")) {
		if i == 0 {
			csv.WriteString(line + ",first_genre\n")
			continue
		}
		csv.WriteString(line + "," + genre[strings.Split(line, ",")[1]] + "\n")
	}
	var want struct{ Full_period reference }
	load(t, filepath.Join(data, "reference.json"), &want)
	r := analyze(t, "movielens", map[string][]string{"ratings": {write(t, "ratings.csv", csv.String())}})["movielens_aa"]
	t.Logf("%d figures compared", checkWhole(t, r, want.Full_period))
	checkCube(t, r, filepath.Join(data, "reference_event_cube.jsonl.gz"), nil)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// balanced checks the ledger's equations of DESIGN §5.
func balanced(t *testing.T, r *results.Result) {
	t.Helper()
	for id, l := range r.Ledger.Records {
		if l.Read != l.Rejected+l.Evaluated {
			t.Errorf("%s: source %s does not balance: %+v", r.Experiment, id, l)
		}
	}
	for id, l := range r.Ledger.Events {
		if l.Evaluated != l.Filtered+l.Rejected+l.Late+l.Duplicate+l.Accepted || l.Accepted != l.Counted+l.Outside+l.Unexposed {
			t.Errorf("%s: event %s does not balance: %s", r.Experiment, id, strconv.Quote(string(mustJSON(l))))
		}
	}
}
