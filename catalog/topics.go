package catalog

import "fmt"

// TopicFindings warns of every Kafka topic whose timestamps are not the broker's, by which lateness is measured.
// It needs a broker, so Load can't do it: appendTime answers for one topic whether message.timestamp.type is
// LogAppendTime. A topic for which it has an error is left out; whoever reads the topic will meet the same error.
func (s *Set) TopicFindings(appendTime func(topic string) (bool, error)) []Diagnostic {
	report := &reporter{}
	for _, src := range s.Sources {
		if src.Profile {
			continue // never late
		}
		for _, topic := range src.Topics {
			if yes, err := appendTime(topic); err == nil && !yes {
				report.at("W114", src.at, fmt.Sprintf("topic %s of source %s carries its producers' clocks, not the broker's", topic, src.ID),
					"set message.timestamp.type=LogAppendTime on the topic: lateness is measured by these times")
			}
		}
	}
	return report.findings()
}
