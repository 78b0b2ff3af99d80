// Package kill runs the built program against a broker, kills both with SIGKILL while events flow, and holds the final
// cells and ledger against the oracle's answer over what is in the log. `go test ./bench/kill` does a short round on a
// broker in a process of its own and on the real Apache Kafka; the environment makes it long:
//
//	TIDEMARK_KILL_EVENTS    events to produce          TIDEMARK_KILL_ENGINE    engine kills
//	TIDEMARK_KILL_BROKER    broker kills               TIDEMARK_KILL_SEED      seed of traffic and kills
package kill
