package view

import (
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/stream/results"
)

// Alert is one alert as the page shows it.
type Alert struct {
	Key                                string
	State, Word, Severity              string
	Rule, Experiment, Metric, Variant  string
	Name                               string // of the experiment
	Summary, Reason, Value, Limit, For string
	Since, Fired, Resolved             string
	Muted                              bool
	Runbook                            string
	Deliveries                         []Delivery
}

// Delivery is one message to one receiver.
type Delivery struct {
	Receiver, Transition string
	State, Word          string
	At, Tries, Detail    string
}

// Alerts are the alerts in their order.
func Alerts(set *catalog.Set, list []alert.Alert, now time.Time) []Alert {
	experiments, metrics := map[string]string{}, map[string]string{}
	for _, x := range set.Experiments {
		experiments[x.ID] = x.Name
	}
	for _, m := range set.Metrics {
		metrics[m.ID] = MetricName(m)
	}
	out := make([]Alert, 0, len(list))
	for _, a := range list {
		v := Alert{Key: "alert/" + a.Rule + "/" + a.Experiment + "/" + a.Metric + "/" + a.Variant, State: string(a.State), Word: string(a.State), Severity: a.Severity, Rule: a.Rule,
			Experiment: a.Experiment, Name: experiments[a.Experiment], Metric: metrics[a.Metric], Variant: a.Variant, Summary: a.Summary, Reason: results.StateText(string(a.Reason)),
			Value: a.Value, Limit: a.Limit, Muted: a.Muted, Runbook: a.Runbook}
		if v.Name == "" {
			v.Name = a.Experiment
		}
		if v.Metric == "" {
			v.Metric = a.Metric
		}
		v.Since, v.Fired, v.Resolved = clockOf(a.Since), clockOf(a.FiredAt), clockOf(a.ResolvedAt)
		if a.Since != nil {
			end := now
			if a.ResolvedAt != nil {
				end = *a.ResolvedAt
			}
			v.For = Since(end.Sub(*a.Since))
		}
		for _, d := range a.Deliveries {
			v.Deliveries = append(v.Deliveries, newDelivery(d))
		}
		out = append(out, v)
	}
	return out
}

func newDelivery(d alert.Delivery) Delivery {
	v := Delivery{Receiver: d.Receiver, Transition: string(d.Transition), State: string(d.Status), Word: string(d.Status), At: Clock(d.Created), Tries: results.FormatCount(int64(d.Tries)), Detail: d.Reason}
	if d.Settled != nil {
		v.At = Clock(*d.Settled)
	}
	if d.Status == alert.Waiting && d.Tries > 0 {
		v.State, v.Word = "retrying", "retrying"
	}
	if n := len(d.Attempts); n > 0 && d.Status != alert.Delivered && v.Detail == "" {
		last := d.Attempts[n-1]
		v.Detail = last.Error
		if v.Detail == "" && last.Status > 0 {
			v.Detail = "the receiver answered " + results.FormatCount(int64(last.Status))
		}
	}
	return v
}

func clockOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return Clock(*t)
}
