package catalog

import (
	"errors"
	"testing"
)

// TestTopicFindings warns of a topic with producers' clocks, and only of that.
func TestTopicFindings(t *testing.T) {
	set := mustLoad(t, designDefinitions)
	var asked []string
	got := sidecar(set.TopicFindings(func(topic string) (bool, error) {
		asked = append(asked, topic)
		if topic == "ads" {
			return false, errors.New("no such topic")
		}
		return topic != "exposures_b", nil
	}))
	want := "test.yaml:8:14+9 warning[W114] topic exposures_b of source exposures carries its producers' clocks, not the broker's\n" +
		"    set message.timestamp.type=LogAppendTime on the topic: lateness is measured by these times\n"
	if got != want || len(asked) != 4 {
		t.Errorf("asked for %q\n%s", asked, got)
	}
}
