package stream

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/catalog/catalogtest"
)

// TestLedgerHasProfiles: the rows of a profile source are records like others, each in one counted place (C5).
func TestLedgerHasProfiles(t *testing.T) {
	yaml := fmt.Sprintf(shopYAML, "files: [none]", "files: [none]")
	yaml = strings.Replace(yaml, "slices: [platform]", "slices: [tier, plan]", 1) + `
---
source: {id: users, format: json, profile: true, files: [none]}
---
event: {id: USER, sql: "SELECT user_id AS subject, tier, plan FROM users WHERE tier <> 'x'"}
`
	files := make(map[string][]string)
	for source, lines := range map[string][]string{
		"exposures": {`{"user_id":"u","variant":"control","ts":1772500000}`},
		"orders":    {`{"user_id":"u","order_id":"1","total":1,"ts":1772500001}`},
		"users":     {`{"user_id":"u","tier":"gold","plan":"a"}`, `{"user_id":"v","tier":"x"}`, `{"tier":"gold"}`, `{"user_id"`},
	} {
		path := filepath.Join(t.TempDir(), source)
		writeLines(t, path, lines)
		files[source] = []string{path}
	}
	list, err := Analyze(context.Background(), catalogtest.Parse(t, yaml), AnalyzeOptions{Options: Options{Logger: quietLog(), Files: files}})
	if err != nil {
		t.Fatal(err)
	}
	balanced(t, list[0])
	r := list[0].Ledger.Records["users"]
	if r.Read != 4 || r.Rejected != 1 || r.Evaluated != 3 || r.Reasons["malformed"] != 1 {
		t.Errorf("records of users: %+v", r)
	}
	e := list[0].Ledger.Events["USER"]
	if e.Evaluated != 3 || e.Filtered != 1 || e.Rejected != 1 || e.Accepted != 1 || e.Counted != 1 || e.Reasons["missing_subject"] != 1 {
		t.Errorf("events USER: %+v", e)
	}
}
