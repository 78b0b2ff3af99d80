package api

import (
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/page/view"
)

// observeCells makes the texts of the feed's result its cells. The caller holds f.reading.
func (s *Server) observeCells(f *feed, x *catalog.Experiment) {
	if f.result != f.textsOf {
		f.texts, f.textsOf = view.Cells(s.opt.Set, x, f.result), f.result
	}
	f.texts[view.PageKey] = view.PageCells(s.opt.Set, x, f.result, s.opt.Status(), s.opt.Now())
	f.setCells(f.texts)
}
