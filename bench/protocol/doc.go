// Package protocol runs the experiments of stats/simulate through the built engine: each event as bytes of JSON through decoder,
// state and cube of one shard (stream.Stepper), each look at what is published then.
// It owns the definitions that a scenario becomes; it imports catalog, stats, stream and nothing else of the engine.
// Invariants: (1) a look sees every event before it and none after it; (2) what a rule decides by comes from the published result,
// never from the simulator's own sums; (3) all is in memory, and what one
// experiment takes of it is bounded.
package protocol
