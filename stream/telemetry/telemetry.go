// Package telemetry turns what the engine does into Prometheus metrics. Names start with tidemark_, units are base
// units, labels are bounded: source, partition, subject type, reason; never a subject, a slice or a value.
// It imports stream and is imported by cmd. Everything may be called from any goroutine.
package telemetry

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tidemark/tidemark/stream"
)

// Metrics are the engine's, in a registry of their own.
type Metrics struct {
	registry  *prometheus.Registry
	batches   *prometheus.HistogramVec
	records   *prometheus.CounterVec
	commits   *prometheus.HistogramVec
	failures  *prometheus.CounterVec
	evaluated *prometheus.HistogramVec
	delay     *prometheus.HistogramVec
	halts     *prometheus.CounterVec
}

// seconds is from a tenth of a millisecond to about 14 minutes.
var seconds = prometheus.ExponentialBuckets(1e-4, 4, 12)

// New registers the metrics of a build.
func New(version string) *Metrics {
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: seconds, NativeHistogramBucketFactor: 1.1}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry:  prometheus.NewRegistry(),
		batches:   histogram("tidemark_apply_batch_seconds", "Time to apply a micro-batch to a shard's state and cube.", "subject"),
		records:   counter("tidemark_applied_records_total", "Records applied to shards, copies of re-keyed records included.", "subject"),
		commits:   histogram("tidemark_commit_seconds", "Time of a shard's commit (kind commit) or of making it durable (kind durable).", "subject", "kind"),
		failures:  counter("tidemark_commit_failures_total", "Commits, or attempts to make them durable, that failed.", "subject", "kind"),
		evaluated: histogram("tidemark_evaluate_seconds", "Time to evaluate and publish one experiment.", "experiment"),
		delay:     histogram("tidemark_event_delay_seconds", "From a record's Kafka timestamp to its being applied.", "source"),
		halts:     counter("tidemark_partition_halts_total", "Times a partition was halted, by state.", "source", "state"),
	}
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tidemark_build_info", Help: "1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()}}, func() float64 { return 1 })
	m.registry.MustRegister(m.batches, m.records, m.commits, m.failures, m.evaluated, m.delay, m.halts, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Hooks are for stream.Options.
func (m *Metrics) Hooks() stream.Hooks {
	outcome := func(subject, kind string, took time.Duration, err error) {
		m.commits.WithLabelValues(subject, kind).Observe(took.Seconds())
		if err != nil {
			m.failures.WithLabelValues(subject, kind).Inc()
		}
	}
	return stream.Hooks{
		Batch: func(subject string, _ int32, records int, took time.Duration) {
			m.batches.WithLabelValues(subject).Observe(took.Seconds())
			m.records.WithLabelValues(subject).Add(float64(records))
		},
		Commit:  func(subject string, _ int32, took time.Duration, err error) { outcome(subject, "commit", took, err) },
		Durable: func(subject string, _ int32, took time.Duration, err error) { outcome(subject, "durable", took, err) },
		Evaluate: func(experiment string, took time.Duration) {
			m.evaluated.WithLabelValues(experiment).Observe(took.Seconds())
		},
		EventDelay: func(source string, delay time.Duration) { m.delay.WithLabelValues(source).Observe(delay.Seconds()) },
		Halt: func(source string, _ int32, state stream.State) {
			if state != "" {
				m.halts.WithLabelValues(source, string(state)).Inc()
			}
		},
	}
}

// Watch adds what the status says, read at each scrape.
func (m *Metrics) Watch(status func() stream.Status) { m.registry.MustRegister(&watcher{status}) }

// Register adds a collector of another room.
func (m *Metrics) Register(c prometheus.Collector) { m.registry.MustRegister(c) }

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}
