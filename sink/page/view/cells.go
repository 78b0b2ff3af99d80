package view

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// PageKey is the key of the cells that belong to the page as a whole; no row has it.
const PageKey = "@"

// Cells are the texts of the rows that a page shows, by row key and field, and the axes' labels by "@" and role. A page shows
// the whole, and of the slices those of the rows that are open (keys of rows of the whole): a dimension may have a
// thousand values, and nobody looks at all of them.
func Cells(set *catalog.Set, x *catalog.Experiment, r *results.Result, open []string) map[string]map[string]string {
	t := NewTable(set, x, r)
	cells := map[string]map[string]string{}
	type line struct{ metric, variant string }
	opened := map[line]bool{}
	axes, names := map[string]Axis{}, map[string]string{}
	for _, g := range t.Groups {
		axes[g.Role] = g.Axis
		ticks := map[string]string{}
		for i, tick := range g.Axis.Ticks {
			ticks["t"+strconv.Itoa(i)] = tick.Text
		}
		cells[PageKey+g.Role] = ticks
		for _, m := range g.Metrics {
			names[m.ID] = m.Name
			for _, row := range m.Rows {
				opened[line{row.Metric, row.Variant}] = slices.Contains(open, row.Key)
			}
		}
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if len(row.Slice) > 0 && !opened[line{row.Metric, row.Variant}] {
			continue
		}
		cells[row.Key()] = newRow(x, r, row, axes[row.Role], names[row.Metric]).fields()
	}
	return cells
}

// PageCells are the texts that belong to the page as a whole. "shape" changes when the page needs elements that it does
// not have (it is then fetched anew), "slices" when slices came or went.
func PageCells(set *catalog.Set, x *catalog.Experiment, r *results.Result, st stream.Status, now time.Time) map[string]string {
	p := NewPage(set, x, r, st, now)
	f := map[string]string{
		"as_of": p.Fresh.AsOf, "lag": p.Fresh.Lag, "late": p.Fresh.Late, "duplicate": p.Fresh.Duplicate, "rejected": p.Fresh.Rejected,
		"fresh": p.Fresh.State, "fresh_word": p.Fresh.Word, "day": p.Day.Text, "done": p.Day.Width,
		"srm": p.SRM.State, "srm_word": p.SRM.Word, "crossovers": p.Crossovers,
		"verdict": p.Verdict.State, "lead": p.Verdict.Lead, "sentence": p.Verdict.Text,
		"why_goals": p.Verdict.Goals, "why_guardrails": p.Verdict.Guardrails, "why_warnings": p.Verdict.Warnings, "why_srm": p.Verdict.SRM, "why_data": p.Verdict.Data, "rule": p.Verdict.RuleText(),
		"shape": p.Shape, "slices": p.Slices, "life": p.Life,
	}
	for _, a := range p.Arms {
		f["n_"+a.Letter], f["share_"+a.Letter], f["plan_"+a.Letter] = a.Subjects, a.Share, a.Plan
	}
	for i := range p.Epochs {
		p.Epochs[i].fields(f)
	}
	return f
}

// shape is a digest of what makes a page's elements: the rows of the whole, the banners and the stretches of a ramp.
func shape(t *Table, banners []Banner, ramp []Epoch, life string) string {
	h := sha256.New()
	write := func(parts ...string) {
		for _, p := range parts {
			_, _ = io.WriteString(h, strconv.Quote(p))
		}
	}
	write(life)
	if t != nil {
		for _, g := range t.Groups {
			for _, m := range g.Metrics {
				write(m.ID, m.Hash)
				for _, r := range m.Rows {
					write(r.Key)
				}
			}
		}
	}
	for _, e := range ramp {
		write(e.From)
	}
	for _, b := range banners {
		write(b.Level, b.Title, b.Key)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// slicesShape is a digest of which slices there are.
func slicesShape(r *results.Result) string {
	h := sha256.New()
	for i := range r.Rows {
		if len(r.Rows[i].Slice) > 0 {
			_, _ = io.WriteString(h, r.Rows[i].Key()+"\n")
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
