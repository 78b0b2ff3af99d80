// Package latency measures, on the real broker and the built program, how long an event takes from its append to the
// row at a client of the live stream, and from the event that breaks a guardrail to the request at the alert's receiver:
//
//	go test ./bench/latency -run '^$' -bench Freshness -benchtime 1x
//	go test ./bench/latency -run '^$' -bench Alerts -benchtime 1x
//
// TestAlertsSurviveKills kills the program with SIGKILL at the three points of a message's life. Times are measured from
// before the produce request is sent, so they contain the append itself.
package latency
