package stream

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream/decode"
)

// takeRecord adds one Kafka record to the batch.
func (s *shard) takeRecord(f *feed, r *kgo.Record) {
	if r.Offset < f.next {
		return // a fetch may begin in the middle of a batch
	}
	if r.Attrs.IsControl() {
		s.advance(f, r)
		return
	}
	if f.kind == rekeyFeed {
		s.takeRekeyed(f, r)
		return
	}
	timestamp := r.Timestamp.UnixMilli() * 1000
	bound := max(f.bound, timestamp)
	rec := decode.Record{Input: f.input, Offset: r.Offset, Timestamp: timestamp, Bound: s.t.lateBy(f.source, bound), Key: r.Key, Value: r.Value}
	f.decoder.Decode(rec, &s.outcome)
	// A topic that says it is keyed by the subject must be: a subject found in two partitions would be counted twice.
	for i := range s.outcome.Events {
		if e := &s.outcome.Events[i]; e.Verdict == decode.Accepted && !s.owns(e.Event.Subject) {
			s.haltFeed(f, haltKey(f.tp, r.Offset, Partition(e.Event.Subject, s.t.n)))
			return
		}
	}
	_, rejected := s.batch.add(&rec, false, &s.outcome, nil)
	f.bound, f.newest = bound, timestamp
	f.records++
	s.advance(f, r)
	s.judge(f, rejected)
}

// takeRekeyed adds one record of a re-key topic: a copy of a source's record, or a marker that says how far the source
// has been re-keyed.
func (s *shard) takeRekeyed(f *feed, r *kgo.Record) {
	c, err := parseRekeyed(r, s.topics)
	if err != nil {
		s.haltFeed(f, haltDamagedBatch(f.tp, r.Offset, err.Error()))
		return
	}
	in, err := s.sourceInput(f, c)
	if err != nil {
		s.broken("register input", err)
		return
	}
	if c.offset < in.next || c.previous >= in.next {
		// Sent again after a restart of the stage; or its predecessor was refused, and both will be sent again.
		s.advance(f, r)
		return
	}
	if c.marker {
		in.next, in.bound = max(in.next, c.offset), max(in.bound, c.bound)
		s.advanceSource(in)
		s.advance(f, r)
		return
	}
	rec := decode.Record{Input: in.input, Offset: c.offset, Timestamp: c.timestamp, Bound: s.t.lateBy(f.source, c.bound), Key: c.key, Value: r.Value}
	f.decoder.Decode(rec, &s.outcome)
	_, rejected := s.batch.add(&rec, c.copy, &s.outcome, s.owns)
	in.next, in.bound = c.offset+1, max(in.bound, c.bound)
	f.newest = max(f.newest, c.timestamp)
	if !c.copy {
		f.records++
	}
	s.advanceSource(in)
	s.advance(f, r)
	s.judge(f, rejected)
}

// takeRow adds one row of a file.
func (s *shard) takeRow(f *feed, r *row) {
	if r.n < f.next {
		return
	}
	rec := decode.Record{Input: f.input, Offset: r.n, Bound: r.bound, Value: r.value}
	f.decoder.Decode(rec, &s.outcome)
	_, rejected := s.batch.add(&rec, r.copy, &s.outcome, s.owns)
	f.next, f.bound = r.n+1, max(f.bound, r.bound)
	if !r.copy {
		f.records++
	}
	s.batch.advance(state.Advance{Input: f.input, Next: f.next, LeaderEpoch: -1, Bound: f.bound})
	s.judge(f, rejected)
}

// owns says whether the subject is this shard's.
func (s *shard) owns(subject []byte) bool { return Partition(subject, s.t.n) == s.p }

// advance moves the position of a topic's partition past r.
func (s *shard) advance(f *feed, r *kgo.Record) {
	f.next, f.epoch = r.Offset+1, r.LeaderEpoch
	s.batch.advance(state.Advance{Input: f.input, Next: f.next, LeaderEpoch: f.epoch, Bound: f.bound})
	if f.clock >= 0 {
		s.clock.observe(f.clock, f.next, f.bound)
	}
}

// advanceSource moves a source partition that arrives re-keyed.
func (s *shard) advanceSource(in *sourceInput) {
	s.batch.advance(state.Advance{Input: in.input, Next: in.next, LeaderEpoch: -1, Bound: in.bound})
	s.clock.observe(in.clock, in.next, in.bound)
}

// judge counts a record for the storm guard. A file can be read again, so a storm in it is only said loudly.
func (s *shard) judge(f *feed, rejected bool) {
	if !f.storm.observe(rejected) {
		return
	}
	o := &s.t.engine.opt
	if f.kind != fileFeed {
		s.haltFeed(f, haltStorm(f.tp, f.next, f.storm.rejected, len(f.storm.window)))
		return
	}
	f.storm.reset()
	if f.storms++; f.storms == 1 {
		o.Logger.Warn("many rows of a file are rejected: see the ledger's reasons", "source", s.t.plan.Sources[f.source].ID, "file", f.file.name,
			"share_over", o.StormShare, "window", o.StormWindow)
	}
}
