package speed

// pacedTables are those of latency, restart and refresh.
func (r *Report) pacedTables(say func(string, ...any)) {
	if len(r.Freshness) > 0 {
		say("Milliseconds from append to the live result; the producer runs on the same cores. Maximum: %s events/s, which the engine takes while the producer appends all it can; it caught up with a filled log at %s.", number(r.Freshness[0].Maximum), number(r.Freshness[0].CaughtUp))
		say("")
		say("| share of maximum | events/s asked | appended | p50 ms | p99 ms | p99.9 ms | largest ms | marks | lost | engine cores | broker cores | producer cores | busy before %% |")
		say("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
		for _, f := range r.Freshness {
			share := "–"
			if f.Share > 0 {
				share = number(100*f.Share) + " %"
			}
			say("| %s | %s | %s | %s | %s | %s | %s | %d | %d | %.2f | %.2f | %.2f | %.0f |", share, number(f.Rate), number(f.Achieved), number(f.P50), number(f.P99), number(f.P999), number(f.Most),
				f.Marks, f.Lost, f.Engine, f.Broker, f.Producer, 100*f.Busy)
		}
		say("")
	}
	if len(r.Restarts) > 0 {
		say("SIGKILL under traffic; milliseconds from the kill. Serving: a result with numbers, labelled with its lag. Caught up: at most %s of traffic behind.", caughtUpWithin)
		say("")
		say("| round | events/s | subjects | serving ms | behind then | ready ms | caught up ms | busy before %% |")
		say("| --- | --- | --- | --- | --- | --- | --- | --- |")
		for _, s := range r.Restarts {
			say("| %d | %s | %s | %s | %s | %s | %s | %.0f |", s.Round, number(s.Rate), count(s.Subjects), number(s.Serving), count(s.Behind), number(s.Ready), number(s.CaughtUp), 100*s.Busy)
		}
		say("")
	}
	if len(r.Refresh) > 0 {
		say("Publication is the share of the engine's CPU profile below the evaluator, the hub, the ways out and snapshots of cells, with its part of the collector's.")
		say("")
		say("| round | events/s | live cells | changed a second | engine cores | publication cores | p50 ms | p99 ms | busy before %% |")
		say("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
		for _, s := range r.Refresh {
			say("| %d | %s | %s | %s | %.2f | %.2f | %s | %s | %.0f |", s.Round, number(s.Rate), count(s.Live), number(s.Changed), s.Cores, s.Publication, number(s.P50), number(s.P99), 100*s.Busy)
		}
		say("")
	}
	for i := range r.Paced {
		s := &r.Paced[i]
		say("Over the whole run: %s records, RSS %d MB, %d MB on disk; cells: %s.", count(s.Records), s.RSS>>20, s.Disk>>20, s.exactness())
		say("")
	}
}
