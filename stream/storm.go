package stream

// storm watches one partition for a storm of rejected records: a producer that broke, or definitions that do not fit
// it. It looks at whole windows that slide by the record, so that it trips within one window of the storm's start and
// one bad record in a million never does.
type storm struct {
	window   []bool // ring: whether each of the last records was rejected
	at       int
	rejected int
	most     int
}

func newStorm(window int, share float64) *storm {
	return &storm{window: make([]bool, window), most: int(share * float64(window))}
}

// observe takes the next record and says whether more of the window was rejected than is safe. The window counts as
// full from the start: the first records of a partition are not judged by a share of few.
func (s *storm) observe(rejected bool) bool {
	if s.window[s.at] {
		s.rejected--
	}
	s.window[s.at] = rejected
	if rejected {
		s.rejected++
	}
	s.at = (s.at + 1) % len(s.window)
	return s.rejected > s.most
}

// reset forgets what it saw: an operator has accepted it.
func (s *storm) reset() { *s = storm{window: make([]bool, len(s.window)), most: s.most} }
