package telemetry

import (
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tidemark/tidemark/stream"
)

// used returns metrics with a value everywhere.
func used() *Metrics {
	m := New("v0")
	h := m.Hooks()
	h.Batch("user", 0, 3, time.Millisecond)
	h.Commit("user", 0, time.Millisecond, io.EOF)
	h.Durable("user", 0, time.Millisecond, nil)
	h.Evaluate("e", time.Millisecond)
	h.EventDelay("orders", time.Second)
	h.Halt("orders", 1, stream.HaltedGap)
	now := time.Unix(1_700_000_000, 0)
	m.Watch(func() stream.Status {
		return stream.Status{State: stream.Running, Watermark: &now, Sources: []stream.SourceStatus{{ID: "orders", Records: 7}},
			Partitions: []stream.PartitionStatus{{Source: "orders", Subject: "user"}, {Source: "orders", Subject: "device"}},
			Shards:     []stream.ShardStatus{{Subject: "user", Subjects: 5}, {Subject: "user", Subjects: 6}}}
	})
	return m
}

func TestMetricsFollowTheConventions(t *testing.T) {
	problems, err := testutil.GatherAndLint(used().registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestMetricNamesAreKept holds the names: dashboards and alert rules rest on them.
func TestMetricNamesAreKept(t *testing.T) {
	families, err := used().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "tidemark_") {
			names = append(names, strings.TrimPrefix(f.GetName(), "tidemark_"))
		}
	}
	want := strings.Fields(`applied_records_total apply_batch_seconds build_info commit_failures_total commit_seconds disk_free_bytes
		disk_low evaluate_seconds event_delay_seconds partition_halts_total partition_state queued_bytes ready source_lag_records
		source_lag_seconds source_records_total source_rejected_records_total source_watermark_timestamp_seconds state state_subjects`)
	if !slices.Equal(names, want) {
		t.Errorf("metrics are\n%v, want\n%v", names, want)
	}
}

func TestHandlerServesTheStatus(t *testing.T) {
	w := httptest.NewRecorder()
	used().Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{`tidemark_state_subjects{subject="user"} 11`, `tidemark_source_records_total{source="orders"} 7`, `tidemark_commit_failures_total{kind="commit",subject="user"} 1`} {
		if !strings.Contains(w.Body.String(), line+"\n") {
			t.Errorf("no line %q in\n%s", line, w.Body)
		}
	}
}
