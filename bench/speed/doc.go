// Package speed runs the benchmarks: it starts a broker in a process of its own, fills the topic before the clock starts, runs
// the built program and what it is compared with in turns, measures each from outside (/proc, the API), holds every answer
// against the oracle of bench/traffic, and writes JSON, Markdown and plots. The doc of command bench has the contract,
// docs/benchmarks.md what the figures mean.
// Invariants: (1) no figure without its answer: a sample whose cells differ from the oracle's, or whose engine failed, is
// reported as such and is in no median; (2) engines are compared by runs that stand side by side in time; (3) everything that
// the harness starts it stops, and files of runs are removed.
package speed
