package catalog_test

import (
	"slices"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert"
)

// TestSummaryFieldsAreTheAlerts holds the fields that check allows to those that an alert fills. catalog may not import
// sink/alert; its tests may.
func TestSummaryFieldsAreTheAlerts(t *testing.T) {
	want, got := alert.SummaryFields(), catalog.SummaryFields()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("check allows %q\nalerts fill %q", got, want)
	}
}
