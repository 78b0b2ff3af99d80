package sample

import (
	"time"

	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/stream"
)

// Status is an engine with one healthy source, one behind and one with a halted partition.
func (w *World) Status() stream.Status {
	now := w.Now()
	newest := now.Add(-3100 * time.Millisecond)
	old := now.Add(-4 * time.Minute)
	st := stream.Status{State: stream.Running, Healthy: true, Ready: true, AsOf: now, Started: Now.Add(-6 * day), Watermark: &newest,
		Sources: []stream.SourceStatus{
			{ID: "exposures", Records: 9_812_331, PerSecond: 4130, LagRecords: 12, LagSeconds: 0.4, Rejected: 196, Newest: &newest},
			{ID: "orders", Records: 4_102_553, PerSecond: 812.4, LagRecords: 2500, LagSeconds: 3.1, Rejected: 82, Newest: &newest},
			{ID: "search", Records: 81_230_001, PerSecond: 21_040, LagRecords: 91_000, LagSeconds: 4.2, Rejected: 1624, Newest: &old},
		}}
	for _, topic := range []struct{ source, topic string }{{"exposures", "shop.exposures"}, {"orders", "shop.orders"}, {"search", "shop.search"}} {
		for p := range int32(4) {
			st.Partitions = append(st.Partitions, stream.PartitionStatus{Source: topic.source, Subject: "user_id", Topic: topic.topic, Partition: p, State: stream.Running,
				Position: 812_331 + int64(p)*77, End: 812_340 + int64(p)*77, LagRecords: 9, LagSeconds: 0.4, Bound: &newest})
		}
	}
	if w.Halted {
		st.Partitions[10].State = stream.HaltedGap
		st.Partitions[10].Halt = &stream.Halt{State: stream.HaltedGap, From: 812_485, To: 901_002, Reason: "the log begins at 901,002 but the state ends at 812,485: 88,517 records have expired unread",
			Remedy: "restore the topic, or accept the gap with tidemark state accept shop.search/2", Since: now.Add(-11 * time.Minute), Acceptable: true}
	}
	return st
}

// Alerts are a few in every state, with deliveries on their way.
func (w *World) Alerts() []alert.Alert {
	at := func(ago time.Duration) *time.Time { t := w.Now().Add(-ago); return &t }
	sent := func(receiver string, tr notify.Transition, ago time.Duration) alert.Delivery {
		return alert.Delivery{ID: "d" + receiver, Receiver: receiver, Transition: tr, Status: alert.Delivered, Created: *at(ago), Settled: at(ago - time.Second), Tries: 1}
	}
	retry := alert.Delivery{ID: "dw", Receiver: "audit-webhook", Transition: notify.Firing, Status: alert.Waiting, Created: *at(4 * time.Minute), NotBefore: w.Now().Add(20 * time.Second), Tries: 3,
		Attempts: []notify.Attempt{{At: *at(time.Minute), Status: 503}}}
	dead := alert.Delivery{ID: "dd", Receiver: "old-slack", Transition: notify.Firing, Status: alert.Dead, Reason: "the receiver answered 410 gone", Created: *at(3 * time.Hour), Settled: at(3 * time.Hour), Tries: 1}
	return []alert.Alert{
		{Key: alert.Key{Rule: "guardrail_crossed", Experiment: "checkout_one_page", Metric: "CRASHES", Variant: "compact"}, ID: "a1", Kind: notify.Guardrail, Severity: "critical", State: alert.Firing, Episode: 1,
			Summary: "checkout_one_page: Crashes per user +14.5% crossed +10%", Value: "+14.5%", Limit: "+10%", Since: at(5 * time.Minute), FiredAt: at(4 * time.Minute), Runbook: "https://wiki.example/crashes",
			Deliveries: []alert.Delivery{sent("slack-checkout", notify.Firing, 4*time.Minute), sent("oncall", notify.Firing, 4*time.Minute), retry}},
		{Key: alert.Key{Rule: "srm", Experiment: "banner_redirect"}, ID: "a2", Kind: notify.SRM, Severity: "error", State: alert.Firing, Episode: 1, Summary: "banner_redirect: sample ratio mismatch",
			Value: "p <0.0001", Since: at(3 * time.Hour), FiredAt: at(3 * time.Hour), Deliveries: []alert.Delivery{sent("slack-ads", notify.Firing, 3*time.Hour), dead}},
		{Key: alert.Key{Rule: "latency_near", Experiment: "search_rerank_v2", Metric: "LATENCY_P95", Variant: "rerank_v2"}, ID: "a3", Kind: notify.Guardrail, Severity: "warning", State: alert.Pending,
			Summary: "Slowest search is near its limit", Value: "+4.2%", Limit: "+5%", Since: at(40 * time.Second)},
		{Key: alert.Key{Rule: "stale", Experiment: "homepage_aa"}, ID: "a4", Kind: notify.Stale, Severity: "warning", State: alert.Resolved, Reason: alert.Cleared, Summary: "homepage_aa: no fresh data for 6 min",
			Value: "6 min", Limit: "5 min", Since: at(26 * time.Hour), FiredAt: at(26 * time.Hour), ResolvedAt: at(25 * time.Hour),
			Deliveries: []alert.Delivery{sent("oncall", notify.Resolved, 25*time.Hour), sent("oncall", notify.Firing, 26*time.Hour)}},
		{Key: alert.Key{Rule: HostileSlice, Experiment: LongName, Metric: "HOSTILE", Variant: RTL}, ID: "a5", Kind: notify.Metric, Severity: "info", State: alert.Resolved, Summary: HostileName + RTL,
			Value: HostileName, Limit: HostileSlice, Since: at(50 * time.Hour), ResolvedAt: at(49 * time.Hour), Runbook: "javascript:alert(1)"},
	}
}
