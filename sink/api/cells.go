package api

import (
	"net/url"
	"slices"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/page/view"
)

// pageEvery is how old the texts of the page as a whole may be for a client that comes by in between.
const pageEvery = time.Second

// observeCells makes the texts of the feed's result its cells. The caller holds f.reading.
func (s *Server) observeCells(f *feed, x *catalog.Experiment, open []string) {
	now := s.opt.Now()
	switch {
	case f.result != f.textsOf:
		f.texts, f.textsOf = view.Cells(s.opt.Set, x, f.result, open), f.result
	case now.Sub(f.textsAt) < pageEvery:
		return
	}
	f.textsAt = now
	f.texts[view.PageKey] = view.PageCells(s.opt.Set, x, f.result, s.opt.Status(), now)
	f.setCells(f.texts)
}

// maxOpen bounds the rows that a page can have open and still be sent their slices' cells.
const maxOpen = 100

// openRows reads the keys of open rows, in one order.
func openRows(query url.Values) []string {
	open := slices.Clone(query["open"])
	slices.Sort(open)
	open = slices.Compact(open)
	return open[:min(len(open), maxOpen)]
}
