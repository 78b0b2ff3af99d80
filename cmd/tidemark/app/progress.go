package app

import (
	"io"
	"os"
	"time"

	"github.com/cheggaaa/pb/v3"
	"golang.org/x/term"
)

// isTerminal says whether w is a terminal that a bar may be drawn on.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progressBar returns what Analyze reports to and what ends the bar. Piped output stays quiet: the bar's library would
// write to it all the same.
func progressBar(w io.Writer, quiet bool) (report func(read, total int64), finish func()) {
	if quiet || !isTerminal(w) {
		return nil, func() {}
	}
	var bar *pb.ProgressBar
	report = func(read, total int64) {
		if bar == nil {
			bar = pb.Full.New(0).Set(pb.Bytes, true).SetWriter(w).SetRefreshRate(200 * time.Millisecond).Start()
		}
		bar.SetTotal(total)
		bar.SetCurrent(read)
	}
	return report, func() {
		if bar != nil {
			bar.Finish()
		}
	}
}
