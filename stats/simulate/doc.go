// Package simulate draws experiments with a known true effect and looks at them as often as a page does. It counts how often each
// rule of package stats cries out, misses the truth or finds it, and how soon: the instrument by which anyone can check the
// claims. It imports stats and stats/moment and nothing else of the engine.
// Invariants: (1) a seed fixes every number, whatever the number of workers; (2) every share carries its binomial error; (3) a
// rule sees nothing but the sums, as the engine does.
package simulate
