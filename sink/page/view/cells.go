package view

import (
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// PageKey is the key of the cells that belong to the page as a whole.
const PageKey = "@"

// Cells are the texts of a result's rows by row key and field.
func Cells(set *catalog.Set, x *catalog.Experiment, r *results.Result) map[string]map[string]string {
	cells := map[string]map[string]string{}
	for i := range r.Rows {
		cells[r.Rows[i].Key()] = map[string]string{"state": r.Rows[i].State}
	}
	return cells
}

// PageCells are the texts that belong to the page as a whole.
func PageCells(set *catalog.Set, x *catalog.Experiment, r *results.Result, st stream.Status, now time.Time) map[string]string {
	return map[string]string{"as_of": r.AsOf.UTC().Format("15:04:05")}
}

func tickText(v float64) string { return "" }
