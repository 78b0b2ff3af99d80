// Package api answers over HTTP what the engine knows: experiments, results, alerts and the state of the data, as JSON,
// as problem documents when something is wrong, and as Server-Sent Events while results change. docs/api.md is its
// contract. It owns no numbers: rows come from stream/results as they are, texts from its formatter.
//
// A live stream never holds anybody up. The hub is read when a client is ready to be written to, never the other way
// round: what a slow client missed is merged into its next message, and a client that cannot be written to within the
// write timeout is cut off (it resumes by Last-Event-ID). The number of streams and of evaluations at a time is bounded.
package api
