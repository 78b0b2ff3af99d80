package speed

import (
	"fmt"
	"strings"

	"github.com/tidemark/tidemark/bench/traffic"
)

// axes are what a deployment grows along.
func axes() []Axis {
	shape := func(f func(*traffic.Shape, float64)) func(*Scenario, float64) {
		return func(s *Scenario, x float64) { f(&s.Shape, x) }
	}
	job := func(f func(*traffic.Job, int)) func(*Scenario, float64) {
		return func(s *Scenario, x float64) { f(&s.Job, int(x)) }
	}
	// Every subject is in the state before the 2 M records that are timed.
	subjects := func(s *Scenario, x float64) {
		s.Shape.Subjects = int64(x)
		preloaded(s)
	}
	return []Axis{
		axis("subjects, Zipf 1.1", subjects, 0.1*million, million, 10*million, 50*million),
		axis("subjects, uniform", func(s *Scenario, x float64) { subjects(s, x); s.Shape.Zipf = 0 }, 0.1*million, million, 10*million, 50*million),
		axis("metrics per experiment", job(func(j *traffic.Job, n int) { j.Metrics = n }), 1, 3, 10, 30),
		axis("experiments per subject", job(func(j *traffic.Job, n int) { j.Experiments = n }), 1, 3, 10, 30),
		axis("dimensions", func(s *Scenario, x float64) { s.Job.Dimensions, s.Shape.Dimensions = int(x), max(3, int(x)) }, 0, 1, 2, 3, 5, 7),
		values(axis("values of a dimension", shape(func(s *traffic.Shape, x float64) { s.Countries = int(x) }), 2, 20, 200, 1_000, 10_000)),
		axis("bytes per record", shape(func(s *traffic.Shape, x float64) { s.Bytes = int(x) }), 250, 500, 1_000, 4_000),
		axis("share of duplicates, deduped", func(s *Scenario, x float64) { s.Shape.Duplicates, s.Job.Dedupe = x, true }, 0, 0.05, 0.2, 0.5),
		// The state of 4 M loaded subjects takes some hundred megabytes; the ceilings go from more than that to a quarter.
		axis("memory ceiling in MB, 4 M subjects, uniform", func(s *Scenario, x float64) {
			s.Shape = traffic.Standard(4*million, 4*million, 0)
			preloaded(s)
			s.MemoryMB = int(x)
		}, 256, 512, 1024, 2048),
	}
}

func axis(name string, change func(*Scenario, float64), points ...float64) Axis {
	a := Axis{Name: name}
	for _, x := range points {
		a.Points = append(a.Points, Point{X: x, Label: short(x), Change: func(s *Scenario) { change(s, x) }})
	}
	return a
}

// values leaves the slices of that dimension out of the comparison where only the largest 1,000 are published.
func values(a Axis) Axis {
	for i := range a.Points {
		if a.Points[i].X > 1000 {
			a.Points[i].Compared = func(k traffic.Key) bool { return !strings.Contains(k.Slice, "country=") }
		}
	}
	return a
}

// short writes a number with k or M.
func short(x float64) string {
	switch {
	case x >= million:
		return fmt.Sprintf("%.3g M", x/million)
	case x >= 1000:
		return fmt.Sprintf("%.3g k", x/1000)
	}
	return fmt.Sprintf("%g", x)
}
