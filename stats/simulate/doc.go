// Package simulate draws experiments with a known true effect and looks at them as often as a page does. It counts how often each
// rule of package stats cries out, misses the truth or finds it, and how soon: the instrument by which anyone can check the
// claims. It has the rows of the protocol with their figures and tolerances (Protocol), and can give the same events to an engine
// and hold each decision of it against the formula's. It imports stats and stats/moment and nothing else of the engine.
// Invariants: (1) a seed fixes every number, whatever the number of workers; (2) every share carries its binomial error; (3) a
// rule sees nothing but the sums, as the engine does; (4) sums are exact, and a look is passed over only if a bound that is
// cheap to evaluate says that nothing is decided there: every decision is made by package stats.
package simulate
