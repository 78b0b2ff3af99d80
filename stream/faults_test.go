package stream

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark/tidemark/catalog"
)

// TestBrokerErrorsEndRightOrHalted answers three requests of each kind with each error, while a shop is being read: it
// ends with the cells of the files, or in a named halt.
func TestBrokerErrorsEndRightOrHalted(t *testing.T) {
	exposures, purchases := shopLog(61, 60, 240)
	want := cellsOf(oracle(t, exposures, purchases))
	errs := []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch, kerr.UnknownTopicID, kerr.OffsetOutOfRange,
		kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.FencedInstanceID,
		kerr.TopicAuthorizationFailed, kerr.UnknownServerError, kerr.CorruptMessage, kerr.RequestTimedOut,
	}
	keys := []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata, kmsg.OffsetForLeaderEpoch, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.OffsetCommit,
		kmsg.OffsetFetch, kmsg.Produce, kmsg.FindCoordinator, kmsg.InitProducerID}
	sets := map[string]*catalog.Set{"direct": directShop(t), "rekeyed": rekeyedShop(t)}
	for i, e := range errs {
		for j, key := range keys {
			name := []string{"direct", "rekeyed"}[(i+j)%2]
			if key == kmsg.Produce || key == kmsg.InitProducerID || key == kmsg.OffsetFetch {
				name = "rekeyed" // only the re-key stage does
			}
			if testing.Short() && (i+j)%4 != 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/%s", key.Name(), e.Message, name), func(t *testing.T) {
				inWorld(t, 2, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
					keyed := name == "direct"
					w.produce("exposures", keyed, exposures)
					w.produce("orders", keyed, purchases[:100])
					fs := vfs.NewMem()
					o := w.options(fs)
					o.SessionTimeout = 10 * time.Second
					r := start(t, sets[name], o)
					time.Sleep(300 * time.Millisecond) // virtual
					// The producer of the test must not meet the fault.
					w.produce("orders", keyed, purchases[100:])
					faults := w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: e, Count: 3}, kfake.Fault{Keys: []kmsg.Key{key}, Err: e, Count: 3, TopLevel: true})
					time.Sleep(30 * time.Second) // virtual
					faults.Remove()
					for range 900 {
						res, err := r.Results(t.Context(), "landing", whole())
						if err == nil && res.Ledger.Records["orders"].Read == int64(len(purchases)) && res.Ledger.Records["exposures"].Read == int64(len(exposures)) {
							break
						}
						if r.Status().State.Halted() {
							break
						}
						time.Sleep(100 * time.Millisecond) // virtual
					}
					s := r.Status()
					if s.State.Halted() {
						t.Logf("%d answers: %s", faults.Hits(), s.Reasons)
						r.stop()
						return
					}
					if got := cellsOf(r.result()); got != want {
						t.Errorf("after %d answers\n%s\nfiles give\n%s\n%s %q", faults.Hits(), got, want, s.State, s.Reasons)
					}
					r.stop()
				})
			})
		}
	}
}
