// Package metamorphic makes random experiments with random logs and holds the engine's cells and ledger against the
// naive oracle under every relation that must not change them: shuffled batches, records delivered twice, any number of
// shards, crashes and replays, late and earlier exposures, clicks before impressions, crossovers. A case follows from
// its seed; a failing one prints it, and TIDEMARK_SEED runs it alone.
package metamorphic
