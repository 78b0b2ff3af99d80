package stream

import (
	"fmt"

	"github.com/tidemark/tidemark/state"
)

// openInputs registers every source partition that arrives re-keyed, in the order of sources, topics and partitions:
// each has its own position, its own b and its own place in the clock, and holds the clock back until it is heard of.
func (s *shard) openInputs(positions map[state.Input]state.Position) error {
	clock := 0
	for _, f := range s.feeds {
		if f.kind != rekeyFeed {
			clock++
			continue
		}
		for _, topic := range s.t.plan.Sources[f.source].Topics {
			for p := range f.sources[topic].partitions {
				in, err := s.openInput(f, topic, p, clock)
				if err != nil {
					return err
				}
				clock++
				if at, ok := positions[in.input]; ok {
					in.next, in.bound = at.Next, at.Bound
				}
				s.clock.observe(in.clock, in.next, in.bound)
			}
		}
	}
	return nil
}

// openInput gives one source partition its number in the state. A re-keyed source may get more partitions, for its
// records do not lie by subject: the count is no part of its name, and neither is the topic's id, which the re-key stage
// compares.
func (s *shard) openInput(f *feed, topic string, p int32, clock int) (*sourceInput, error) {
	source := s.t.plan.Sources[f.source].ID
	input, err := s.store.Input(state.InputName{Source: source, Topic: topic, Partition: p})
	if err != nil {
		return nil, fmt.Errorf("stream: shard %s/%d: %w", s.t.plan.Subject, s.p, err)
	}
	base, n := incarnation(topic)
	in := &sourceInput{tp: topicPartition{base, p}, input: input, bound: never, clock: clock, incarnation: n}
	f.inputs[topicPartition{topic, p}] = in
	return in, nil
}

// sourceInput returns the source partition that a copy came from, registering one that appeared after the shard was
// opened.
func (s *shard) sourceInput(f *feed, c rekeyed) (*sourceInput, error) {
	tp := topicPartition{c.topic, c.partition}
	if in := f.inputs[tp]; in != nil {
		return in, nil
	}
	return s.openInput(f, c.topic, c.partition, s.clock.add())
}
