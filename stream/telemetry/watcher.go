package telemetry

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tidemark/tidemark/stream"
)

// watcher collects what Engine.Status says.
type watcher struct{ status func() stream.Status }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	up         = desc("tidemark_state", "1 for the engine's state.", "state")
	ready      = desc("tidemark_ready", "1 when every shard is open, caught up and not halted.")
	partition  = desc("tidemark_partition_state", "1 for the state of a partition.", "source", "partition", "state")
	lagRecords = desc("tidemark_source_lag_records", "Records of a source that are in the log and not applied.", "source")
	lagSeconds = desc("tidemark_source_lag_seconds", "Age of the oldest record of a source that is not applied.", "source")
	read       = desc("tidemark_source_records_total", "Records of a source that were read.", "source")
	rejected   = desc("tidemark_source_rejected_records_total", "Records of a source that were rejected.", "source")
	watermark  = desc("tidemark_source_watermark_timestamp_seconds", "The engine's watermark.")
	subjects   = desc("tidemark_state_subjects", "Subjects in the state of a subject type.", "subject")
	queued     = desc("tidemark_queued_bytes", "Bytes read that wait for the shards of a subject type.", "subject")
	free       = desc("tidemark_disk_free_bytes", "Free bytes of the disk with the data directory.")
	low        = desc("tidemark_disk_low", "1 below the low-water mark: fetching is paused.")
)

// Describe implements prometheus.Collector.
func (w *watcher) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{up, ready, partition, lagRecords, lagSeconds, read, rejected, watermark, subjects, queued, free, low} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (w *watcher) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	st := w.status()
	gauge(up, 1, string(st.State))
	gauge(ready, number(st.Ready))
	for _, s := range st.Sources {
		gauge(lagRecords, float64(s.LagRecords), s.ID)
		gauge(lagSeconds, s.LagSeconds, s.ID)
		count(read, s.Records, s.ID)
		count(rejected, s.Rejected, s.ID)
	}
	type place struct{ source, partition string }
	seen := map[place]bool{}
	for _, p := range st.Partitions {
		at := place{p.Source, strconv.Itoa(int(p.Partition))}
		if !seen[at] { // an input of two subject types shows once
			seen[at] = true
			gauge(partition, 1, at.source, at.partition, string(p.State))
		}
	}
	if st.Watermark != nil {
		gauge(watermark, float64(st.Watermark.UnixMicro())/1e6)
	}
	bySubject, waiting := map[string]int64{}, map[string]int64{}
	for _, s := range st.Shards {
		bySubject[s.Subject] += s.Subjects
		waiting[s.Subject] += s.QueuedBytes
	}
	for subject, n := range bySubject {
		gauge(subjects, float64(n), subject)
		gauge(queued, float64(waiting[subject]), subject)
	}
	gauge(free, float64(st.Disk.Free))
	gauge(low, number(st.Disk.Low))
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
