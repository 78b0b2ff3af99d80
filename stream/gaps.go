package stream

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Gap is what an accepted halt has cost. Results name it for as long as the state lives.
type Gap struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	From      int64     `json:"from"`
	To        int64     `json:"to"`
	State     State     `json:"state"`
	By        string    `json:"by"`
	Why       string    `json:"why"`
	At        time.Time `json:"at"`
	// Incarnation counts how often the offsets of the partition began to mean other records.
	Incarnation int `json:"incarnation"`
}

// keepGap stores an accepted gap.
func (e *Engine) keepGap(t *subjectType, g Gap) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := e.facts.set(gapPrefix, t.gapOwner(), fmt.Sprintf("%s/%d/%020d", g.Topic, g.Partition, g.At.UnixNano()), g); err != nil {
		return fmt.Errorf("stream: keep an accepted gap: %w", err)
	}
	t.gaps = append(t.gaps, g)
	return nil
}

// gapOwner is under what gaps are kept: those of a generation end with it.
func (t *subjectType) gapOwner() string { return t.plan.Subject + "/" + t.generation }

// loadGaps reads the gaps that were accepted before.
func (e *Engine) loadGaps(t *subjectType) error {
	return e.facts.each(gapPrefix, t.gapOwner(), func(_ string, value []byte) error {
		var g Gap
		if err := json.Unmarshal(value, &g); err != nil {
			return fmt.Errorf("stream: read an accepted gap: %w", err)
		}
		t.gaps = append(t.gaps, g)
		return nil
	})
}

// incarnationOf is how often the offsets of a partition began to mean other records.
func (t *subjectType) incarnationOf(tp topicPartition) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, g := range t.gaps {
		if g.Topic == tp.topic && g.Partition == tp.partition {
			n = max(n, g.Incarnation)
		}
	}
	return n
}

// gapReasons is what results say about accepted gaps.
func (e *Engine) gapReasons(t *subjectType) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.gaps {
		if g.Topic != "" {
			return []string{"gap_accepted"}
		}
	}
	return nil
}

// incarnated is a topic's name as the state's inputs call it. Kafka allows no # in a topic's name.
func incarnated(topic string, n int) string {
	if n == 0 {
		return topic
	}
	return topic + "#" + strconv.Itoa(n)
}

// incarnation is the inverse of incarnated.
func incarnation(name string) (topic string, n int) {
	topic, text, ok := strings.Cut(name, "#")
	if ok {
		n, _ = strconv.Atoi(text)
	}
	return topic, n
}
