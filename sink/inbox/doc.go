// Package inbox plays the receivers of alerts for the demo and for tests: a Slack incoming webhook, PagerDuty's Events
// API v2 and an endpoint that verifies Standard Webhooks, each with the answers of the real one, and a page that
// shows what each of them got, much as its users would see it. It imports nothing of the engine, so that it judges
// messages by the protocols and not by the code that made them.
// Invariants: (1) everything received is escaped; the content security policy allows one stylesheet and nothing else;
// (2) what is kept is bounded. An Inbox may be used by any number of goroutines.
package inbox
