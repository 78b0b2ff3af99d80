package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/sink/alert/notify"
)

// notifications counts what alerts do and how their delivery goes.
type notifications struct {
	transitions *prometheus.CounterVec
	attempts    *prometheus.CounterVec
	latency     *prometheus.HistogramVec
}

func newNotifications(register func(prometheus.Collector)) *notifications {
	n := &notifications{
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidemark_alert_transitions_total", Help: "Changes of alerts' states."}, []string{"rule", "to"}),
		attempts:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidemark_notifications_total", Help: "Attempts to deliver a message."}, []string{"receiver", "outcome"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tidemark_notification_latency_seconds", Help: "Time of an attempt to deliver a message.",
			Buckets: prometheus.ExponentialBuckets(1e-3, 4, 8), NativeHistogramBucketFactor: 1.1}, []string{"receiver"}),
	}
	register(n.transitions)
	register(n.attempts)
	register(n.latency)
	return n
}

func (n *notifications) transition(t alert.Transition) {
	n.transitions.WithLabelValues(t.Key.Rule, string(t.To)).Inc()
}

func (n *notifications) attempt(receiver string, a notify.Attempt) {
	n.attempts.WithLabelValues(receiver, string(a.Verdict)).Inc()
	n.latency.WithLabelValues(receiver).Observe(a.Latency.Seconds())
}
