package simulate

import (
	"math"

	"github.com/tidemark/tidemark/stats"
)

// stateless is a rule without memory.
func stateless(name string, k func(*Look) float64) Rule {
	return Rule{name, func() func(*Look) float64 { return k }}
}

// Fixed is the classical test at the last look only.
func Fixed(alpha float64) Rule {
	z := stats.NormalUpper(alpha / 2)
	return stateless("fixed, at the end", func(l *Look) float64 {
		if l.Index == l.Last {
			return z
		}
		return math.Inf(1)
	})
}

// Peeking is the classical test at every look: the negative control. A harness that does not find it guilty does not peek.
func Peeking(alpha float64, burnIn int64) Rule {
	z := stats.NormalUpper(alpha / 2)
	return stateless("fixed, at every look", func(l *Look) float64 {
		if l.T.N < burnIn || l.C.N < burnIn {
			return math.Inf(1)
		}
		return z
	})
}

// ByCount is the normal mixture indexed by the number of subjects.
func ByCount(alpha float64, planned, burnIn int64) Rule {
	return stateless("by count", func(l *Look) float64 {
		if l.T.N < burnIn || l.C.N < burnIn {
			return math.Inf(1)
		}
		return known(stats.AlwaysByCount(l.Test, l.Subjects(), planned, alpha).K)
	})
}

// ByInformation is the normal mixture with a given tuning: v* of the planned end, known beforehand.
func ByInformation(alpha float64, tuning stats.Tuning, burnIn int64) Rule {
	return stateless("by information", func(l *Look) float64 {
		if l.T.N < burnIn || l.C.N < burnIn {
			return math.Inf(1)
		}
		return known(tuning.Always(l.Test, l.T.N, l.C.N, alpha).K)
	})
}

// Engine is what the engine does: silent until the silence rule holds, tuned once at that look, then always-valid.
func Engine(alpha float64, subjects int64) Rule {
	return Rule{"the engine's", func() func(*Look) float64 {
		var tuning stats.Tuning
		return func(l *Look) float64 {
			if len(stats.Silence(l.Treatment, l.Control, l.T, l.C)) > 0 {
				return math.Inf(1)
			}
			if !tuning.Set() {
				n := float64(l.Subjects())
				tuning.V = stats.Intrinsic(l.T.N, l.C.N, l.Test.SE.V) * (float64(subjects) / n)
			}
			return known(tuning.Always(l.Test, l.T.N, l.C.N, alpha).K)
		}
	}}
}

// Hybrid is the always-valid test with half of α, and a classical look at the end with the other half.
func Hybrid(alpha float64, tuning stats.Tuning, burnIn int64) Rule {
	return stateless("hybrid", func(l *Look) float64 {
		if l.T.N < burnIn || l.C.N < burnIn {
			return math.Inf(1)
		}
		return known(tuning.Hybrid(l.Test, l.T.N, l.C.N, alpha, l.Index == l.Last).K)
	})
}

// Student is the mixture for estimated variances, indexed by the number of subjects, without any burn-in.
func Student(alpha float64, planned int64) Rule { return StudentFrom(alpha, planned, 0) }

// StudentFrom is Student with a burn-in.
func StudentFrom(alpha float64, planned, burnIn int64) Rule {
	return stateless("student mixture", func(l *Look) float64 {
		if l.T.N < burnIn || l.C.N < burnIn {
			return math.Inf(1)
		}
		return known(stats.StudentMixtureByCount(l.Test, l.Subjects(), planned, alpha).K)
	})
}

func known(n stats.Number) float64 {
	if !n.OK {
		return math.Inf(1)
	}
	return n.V
}
