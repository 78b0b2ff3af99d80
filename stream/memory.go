package stream

import (
	"github.com/tidemark/tidemark/state"
)

// defaultMemory is what the engine plans with unless told otherwise.
const defaultMemory = 2 << 30

// minMemory is what it can't do without.
const minMemory = 64 << 20

// memory is how Options.Memory is shared out. Blocks is Pebble's cache, of all shards; the rest is one shard's part of what
// all of them may take: head rows as bytes, ids of events, decoded subjects, and what is not yet flushed.
type memory struct {
	blocks, resident, ids, memTable int64
	subjects                        int
}

// subjectBytes is what a decoded subject takes, about; state weighs large ones as several.
const subjectBytes = 1024

// share divides total bytes over the shards of all subject types: half to head rows, a sixteenth to the index of event ids, an
// eighth to decoded subjects, an eighth to memtables, of which two are alive at a time, a tenth to blocks. What is left is for
// queues, batches, cells and the collector.
func share(total int64, shards int) memory {
	n := int64(max(shards, 1))
	return memory{
		blocks:   max(total/10, 8<<20),
		resident: total / 2 / n,
		ids:      total / 16 / n,
		subjects: int(max(total/8/subjectBytes/n, 1000)),
		memTable: min(max(total/16/n, 1<<20), 32<<20),
	}
}

// scaled is a bound on what passes through a shard: full with the default memory or more, in proportion below it, at least
// least.
func scaled(full, least, total int64) int64 {
	return max(least, int64(float64(full)*min(1, float64(total)/defaultMemory)))
}

// OffHeap is how much of a memory plan is outside the Go heap, for whoever sets the collector's limit.
func (o Options) OffHeap() int64 {
	total := o.Memory
	if total == 0 {
		total = defaultMemory
	}
	return share(total, 1).resident
}

// shardMemory fills in what a shard of t may take. The shards of other subject types are taken to be as many.
func (t *subjectType) shardMemory(opt *state.Options) {
	e := t.engine
	m := share(e.opt.Memory, int(t.shardCount())*len(e.types))
	opt.ResidentBytes, opt.IDBytes, opt.MemTableBytes = m.resident, m.ids, uint64(m.memTable)
	if opt.CacheSubjects = e.opt.CacheSubjects; opt.CacheSubjects == 0 {
		opt.CacheSubjects = m.subjects
	}
}
