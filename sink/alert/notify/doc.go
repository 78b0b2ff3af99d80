// Package notify holds what an alert says to a receiver, a Notification, and how it is said over HTTP: one POST by a
// Client that follows no redirect, dials no forbidden address, keeps secrets out of everything it returns, and gives
// its answer as an Attempt with a Verdict (delivered, retry, dead, disable). The senders sink/slack, sink/pagerduty
// and sink/webhook build on it; sink/alert decides when they are called. It imports nothing of the engine.
// Invariants: (1) whether an attempt is repeated is decided in one place, Classify; (2) no error, log line or Attempt
// carries a URL's path, a routing key or a signing secret. A Client may be used by many goroutines.
package notify
