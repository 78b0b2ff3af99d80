// Package oracle computes an experiment's cells the slow, obvious way: keep every record of the log, decide for each
// whether it is in time and distinct, then for each subject loop over all its events, with math/big throughout. It says
// what DESIGN.md says in the same order, and shares no code with the engine: not its SQL, arithmetic, state or cube.
// Tests compare the engine's cells and ledger with it. Nothing here is fast, and nothing here may be clever.
package oracle
