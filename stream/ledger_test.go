package stream

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/catalog/catalogtest"
)

// TestLedgerHasProfiles: the rows of a profile source are records like others, each in one counted place (C5).
func TestLedgerHasProfiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, lines ...string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("files: [%q]", path)
	}
	yaml := fmt.Sprintf(shopYAML,
		write("exposures", `{"user_id":"u","variant":"control","ts":1772500000}`),
		write("orders", `{"user_id":"u","order_id":"1","total":1,"ts":1772500001}`))
	yaml = strings.Replace(yaml, "slices: [platform]", "slices: [tier, plan]", 1) + fmt.Sprintf(`
---
source: {id: users, format: json, profile: true, %s}
---
event: {id: USER, sql: "SELECT user_id AS subject, tier, plan FROM users WHERE tier <> 'x'"}
`, write("users", `{"user_id":"u","tier":"gold","plan":"a"}`, `{"user_id":"v","tier":"x"}`, `{"tier":"gold"}`, `{"user_id"`))
	list, err := Analyze(context.Background(), catalogtest.Parse(t, yaml), AnalyzeOptions{Options: Options{Logger: quietLog()}})
	if err != nil {
		t.Fatal(err)
	}
	r := list[0].Ledger.Records["users"]
	if r.Read != 4 || r.Rejected != 1 || r.Evaluated != 3 || r.Reasons["malformed"] != 1 {
		t.Errorf("records of users: %+v", r)
	}
	e := list[0].Ledger.Events["USER"]
	if e.Evaluated != 3 || e.Filtered != 1 || e.Rejected != 1 || e.Accepted != 1 || e.Counted != 1 || e.Reasons["missing_subject"] != 1 {
		t.Errorf("events USER: %+v", e)
	}
}
