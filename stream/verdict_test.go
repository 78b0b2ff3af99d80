package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestVerdictOnAPosition(t *testing.T) {
	tp := topicPartition{"orders", 1}
	id, other := [16]byte{1}, [16]byte{2}
	info := topicInfo{id: id, partitions: 3}
	see := func(info topicInfo, start, end int64) *sight {
		return &sight{infos: map[string]topicInfo{"orders": info}, bounds: map[topicPartition]logBounds{tp: {start, end}}, diverged: map[topicPartition]int64{}}
	}
	diverged := see(info, 0, 100)
	diverged.diverged[tp] = 40
	blind := see(info, 0, 100)
	delete(blind.bounds, tp)
	for _, c := range []struct {
		name   string
		r      reader
		see    *sight
		start  int64
		halt   State
		reason string
		ok     bool
	}{
		{"fits", reader{next: 50}, see(info, 0, 100), 50, "", "", true},
		{"at the log's start", reader{next: 10}, see(info, 10, 100), 10, "", "", true},
		{"at the log's end", reader{next: 100}, see(info, 10, 100), 100, "", "", true},
		{"fresh", reader{fresh: true}, see(info, 10, 100), 10, "", "", true},
		{"expired", reader{next: 9}, see(info, 10, 100), 0, HaltedGap, "1 records expired unread", true},
		{"expired while reading", reader{next: 9, reading: true}, see(info, 10, 100), 9, "", "", true},
		{"truncated", reader{next: 101}, see(info, 0, 100), 0, HaltedGap, "lost its records from offset 100", true},
		{"truncated while reading", reader{next: 101, reading: true}, see(info, 0, 100), 0, HaltedGap, "lost its records", true},
		{"diverged", reader{next: 50}, diverged, 0, HaltedGap, "lost its records from offset 40", true},
		{"recreated, in range", reader{next: 50, id: other}, see(info, 0, 100), 0, HaltedGap, "created again", true},
		{"suspected", reader{next: 50, suspect: haltTruncated(tp, 50, 30)}, see(info, 0, 100), 0, HaltedGap, "lost its records from offset 30", true},
		{"suspected, recreated", reader{next: 50, id: other, suspect: haltTruncated(tp, 50, 30)}, see(info, 0, 100), 0, HaltedGap, "created again", true},
		{"deleted", reader{next: 50}, see(topicInfo{err: kerr.UnknownTopicOrPartition}, 0, 0), 0, HaltedGap, "no longer exists", true},
		{"another count", reader{next: 50, counted: 4}, see(info, 0, 100), 0, HaltedRekey, "has 3 partitions", true},
		{"no leader", reader{next: 50}, blind, 0, "", "", false},
		{"metadata error", reader{next: 50}, see(topicInfo{err: kerr.LeaderNotAvailable}, 0, 0), 0, "", "", false},
	} {
		c.r.tp = tp
		if c.r.id == ([16]byte{}) {
			c.r.id = id
		}
		start, halt, ok := c.r.verdict(c.see)
		state, reason := State(""), ""
		if halt != nil {
			state, reason = halt.State, halt.Reason
		}
		if start != c.start || state != c.halt || ok != c.ok || !strings.Contains(reason, c.reason) {
			t.Errorf("%s: start %d, halt %q (%s), ok %v; want %d, %q (%s), %v", c.name, start, state, reason, ok, c.start, c.halt, c.reason, c.ok)
		}
	}
}

func TestFetchErrorsAreToldApart(t *testing.T) {
	tp := topicPartition{"orders", 1}
	for _, c := range []struct {
		err  error
		want State // "": the client retries
	}{
		{nil, ""},
		{kerr.NotLeaderForPartition, ""},
		{context.Canceled, ""},
		{kerr.OffsetOutOfRange, Waiting},
		{kerr.UnknownTopicID, Waiting},
		{kerr.TopicAuthorizationFailed, Waiting},
		{kerr.UnknownServerError, Waiting},
		{&kgo.ErrDataLoss{Topic: "orders", Partition: 1, ConsumedTo: 9, ResetTo: 3}, Waiting},
		{&kgo.ErrDecompressTooLarge{}, HaltedCorrupt},
		{errors.New("invalid record batch"), HaltedCorrupt},
	} {
		got := State("")
		if h := fetchHalt(tp, c.err); h != nil {
			got = h.State
		}
		if got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

// A copy whose predecessor is missing is not taken: the stage will send both again, in order.
func TestCopyWithoutItsPredecessorWaits(t *testing.T) {
	exposures, _ := shopLog(81, 20, 0)
	inWorld(t, 2, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		o := w.options(vfs.NewMem())
		o.Rekey.Partitions = 1
		r := start(t, rekeyedShop(t), o)
		w.produce("exposures", false, exposures)
		r.read("exposures", int64(len(exposures)))
		r.until("ready", func(s Status) bool { return s.Ready })
		target := ""
		for _, f := range r.types[0].routes {
			if strings.Contains(f.topic, "orders") {
				target = f.topic
			}
		}
		// As a stage would that reads a third partition: offset 6 is refused by the brokers, 7 is not.
		send := func(offset, previous int64, marker bool) {
			c := rekeyed{topic: "orders", partition: 2, offset: offset, previous: previous, timestamp: (shopStart + 900) * 1e6, bound: (shopStart + 900) * 1e6, marker: marker}
			rec := &kgo.Record{Topic: target, Headers: c.headers()}
			if !marker {
				rec.Key = []byte("u1")
				rec.Value = []byte(fmt.Sprintf(`{"user_id":"u1","order_id":"o%d","total":1,"ts":%d}`, offset, shopStart))
			}
			if err := w.client.ProduceSync(context.Background(), rec).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		read := func() int64 { return r.result().Ledger.Records["orders"].Read }
		send(5, -1, false)
		send(7, 6, false)
		send(9, 7, true)
		r.read("orders", 1)
		if n := read(); n != 1 {
			t.Errorf("%d records taken, want only the one with a predecessor", n)
		}
		send(5, -1, false) // again from the last commit
		send(6, 5, false)
		send(7, 6, false)
		send(9, 7, true)
		r.read("orders", 3)
		if n := read(); n != 3 {
			t.Errorf("%d records taken, want 3", n)
		}
		for i := 0; r.result().Positions["orders/2"] != 9; i++ {
			if i == 100 {
				t.Fatalf("position %d, want 9 by the marker", r.result().Positions["orders/2"])
			}
			time.Sleep(100 * time.Millisecond) // virtual
		}
		balanced(t, r.result())
		r.stop()
	})
}

func TestRekeyedHeadersRoundTrip(t *testing.T) {
	for _, want := range []rekeyed{
		{topic: "orders", partition: 3, offset: 812, timestamp: 1, bound: 2, previous: -1},
		{topic: "orders#2", partition: 0, offset: 1<<62 + 1, timestamp: never, bound: never, previous: 7, copy: true, key: []byte("k")},
		{topic: "a.b-c_d", offset: 5, bound: 9, previous: 4, marker: true},
		{topic: "x", key: []byte{}},
	} {
		got, err := parseRekeyed(&kgo.Record{Headers: want.headers()}, map[string]string{})
		if err != nil || got.topic != want.topic || got.partition != want.partition || got.offset != want.offset || got.timestamp != want.timestamp ||
			got.bound != want.bound || got.previous != want.previous || got.copy != want.copy || got.marker != want.marker || string(got.key) != string(want.key) {
			t.Errorf("%+v came back as %+v, %v", want, got, err)
		}
	}
	for _, bad := range []string{"", "2 orders 1 2 3 4 5 p", "1 orders 1 2 3 4 p", "1 orders 1 2 3 4 5 x", "1 orders 1 2 3 4 5", "1 orders one 2 3 4 5 p", "1 orders 1 99999999999999999999 3 4 5 p"} {
		if c, err := parseRekeyed(&kgo.Record{Headers: []kgo.RecordHeader{{Key: headerFrom, Value: []byte(bad)}}}, map[string]string{}); err == nil {
			t.Errorf("header %q is understood as %+v", bad, c)
		}
	}
	if _, err := parseRekeyed(&kgo.Record{}, map[string]string{}); err == nil {
		t.Error("a record without the header is understood")
	}
}
