// Package stats says what exact sums mean: the effect of a treatment, its interval and p-value, whether the split of
// subjects is to be trusted, and one word for where it all stands. It reads stats/moment and imports nothing else of the
// engine.
// Invariants: (1) pure: no I/O, clock, log, randomness or global state, so the same input gives the same bits; (2) a mean
// is a ratio whose denominator is 1, and goes the same way; (3) what can't be computed is absent with a reason: no NaN,
// no infinity and no p of exactly 0 leaves the package; (4) differences and variances are evaluated in integers and
// rounded once, so no data set is too ill-conditioned; (5) every function names its source.
// The default interval and p are always-valid (Always); the fixed-horizon ones stand beside them and decide nothing.
//
// Where to look: Compare is what the engine asks of two arms, and its parts are Ratio, Tuning.Always, LiftInterval, CUPED and Silence.
// SampleRatio checks the split; Limit and NonInferiority are guardrails; Holm, EBenjaminiHochberg and Divide are multiplicity; Power, MDE,
// RequiredSubjects and Needed plan; PostStratify, CochranQ, SegmentsAgainstRest, MixShift, PreExposure, Drift and Suspicious look for what
// may be wrong with a result. CompareEstimates takes values from elsewhere, EventQuantile makes them of quantiles of events, QuantileEstimate of others. For parity with
// other tools there are AlwaysByCount, OneSidedByCount, Hybrid, GroupSequential, PooledProportions, exact tests and Bayes.
package stats
