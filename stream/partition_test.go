package stream

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Values of org.apache.kafka.common.utils.UtilsTest.testMurmur2 (Apache Kafka), as signed integers.
func TestMurmur2MatchesKafka(t *testing.T) {
	for text, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2([]byte(text))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", text, got, want)
		}
	}
}

// The client's own partitioner must send a keyed record where the engine looks for its subject.
func TestPartitionAgreesWithTheClient(t *testing.T) {
	client, err := kgo.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, n := range []int32{1, 2, 7, 8, 256} {
		topic := kgo.StickyKeyPartitioner(nil).ForTopic("t")
		for _, key := range []string{"a", "bc", "def", "user-1", "user-22", "한글", "0123456789abcdef"} {
			want := topic.Partition(&kgo.Record{Key: []byte(key), Context: context.Background()}, int(n))
			if got := Partition([]byte(key), n); int(got) != want {
				t.Errorf("Partition(%q, %d) = %d, the client says %d", key, n, got, want)
			}
		}
	}
}
