// Package alert turns published results into alerts and gets them out: rules of the catalog, one state machine per
// (alert, experiment, metric, variant), and a durable outbox that senders drain. It owns the alerts' database
// (FORMAT.md). It imports catalog, stream/results, Pebble and the senders below sink.
//
//	result ─► Observe ─► rules ─► state machine ─┐ one synced batch ┌─► queue per receiver ─► limiter ─► sender
//	clock ──► stale rules ───────────────────────┴─► state + outbox ┴─► attempt log · delivered · dead letters
//
// Invariants: (1) a change of state and the messages it causes are one synced batch, before the first send; (2) a
// message's id is a function of rule, experiment, metric, variant, direction, episode and transition, never of a look
// or a time; (3) a result whose positions are behind the last evaluated one's in any partition is not evaluated, so
// any interleaving of results, replays and restarts gives the same transitions; (4) per receiver and alert, messages
// are delivered in the order in which they came about; (5) every message ends delivered or in the dead letters.
//
// States: inactive ─► pending (the condition holds, shorter than `for`) ─► firing ─► resolved ─► pending or firing
// again, as a new episode. A pending one whose condition ends becomes inactive and tells nobody. `for` is measured in
// the results' own time (as_of), so while no result comes nothing becomes firing; only stale rules ask the clock.
// A result that does not decide a condition (collecting, unreliable, no data) changes nothing.
//
// While the split of an experiment's subjects is not the planned one, the machines of its other alerts go on, but what
// begins is not told; it is when the split recovers and the condition still holds. What was told is told to its end.
//
// An episode that ends before its beginning could be delivered is told in both messages, in order. One message for
// both would be shorter, but the first may have arrived although its answer did not, and then the same id would have
// had two bodies. A line goes on when its first message is settled, delivered or dead; so a resolved message never
// overtakes its firing one, and one that can't be delivered does not keep the end of the alert from being told.
//
// A Manager may be used from any goroutine. Lock order: Manager.mu, then queue.mu, then store.mu.
package alert
