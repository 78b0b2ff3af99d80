package inbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

// Incident is what PagerDuty makes of the events with one dedup_key.
type Incident struct {
	Key       string     `json:"dedup_key"`
	Status    string     `json:"status"` // triggered, acknowledged, resolved
	Severity  string     `json:"severity"`
	Summary   string     `json:"summary"`
	Source    string     `json:"source"`
	Class     string     `json:"class"`
	Component string     `json:"component"`
	Opened    time.Time  `json:"opened"`
	Closed    *time.Time `json:"closed,omitempty"`
	Details   []Detail   `json:"details"`
	Links     []Link     `json:"links"`
	Log       []LogEntry `json:"log"` // oldest first
}

// Detail is an entry of custom_details.
type Detail struct{ Name, Value string }

// Link of an incident.
type Link struct{ Href, Text string }

// LogEntry is one event of an incident.
type LogEntry struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"`
	Note   string    `json:"note,omitempty"`
}

type event struct {
	RoutingKey string `json:"routing_key"`
	Action     string `json:"event_action"`
	DedupKey   string `json:"dedup_key"`
	Links      []struct {
		Href string `json:"href"`
		Text string `json:"text"`
	} `json:"links"`
	Payload *struct {
		Summary   string         `json:"summary"`
		Source    string         `json:"source"`
		Severity  string         `json:"severity"`
		Class     string         `json:"class"`
		Component string         `json:"component"`
		Details   map[string]any `json:"custom_details"`
	} `json:"payload"`
}

// faults are what the Events API v2 refuses with 400.
func (e *event) faults() []string {
	var list []string
	add := func(bad bool, text string) {
		if bad {
			list = append(list, text)
		}
	}
	add(e.RoutingKey == "", "'routing_key' is missing or blank")
	add(!slices.Contains([]string{"trigger", "acknowledge", "resolve"}, e.Action), "'event_action' is invalid (must be one of: 'trigger', 'acknowledge', 'resolve')")
	add(utf8.RuneCountInString(e.DedupKey) > 255, "'dedup_key' is invalid (must be 255 characters or less)")
	add(e.DedupKey == "" && e.Action != "trigger", "'dedup_key' is missing or blank")
	if e.Action != "trigger" {
		return list
	}
	if e.Payload == nil {
		return append(list, "'payload' is missing or blank")
	}
	add(e.Payload.Summary == "" || utf8.RuneCountInString(e.Payload.Summary) > 1024, "'payload.summary' is missing, blank or too long")
	add(e.Payload.Source == "", "'payload.source' is missing or blank")
	add(!slices.Contains([]string{"critical", "error", "warning", "info"}, e.Payload.Severity), "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
	return list
}

// receivePagerDuty answers as the Events API v2.
func (b *Inbox) receivePagerDuty(w http.ResponseWriter, r *http.Request) {
	data, ok := b.body(w, r)
	if !ok {
		return
	}
	var e event
	faults := []string{"the body is not JSON"}
	if json.Unmarshal(data, &e) == nil {
		faults = e.faults()
	}
	if len(faults) > 0 {
		text, _ := json.Marshal(map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": faults})
		b.refuse(w, http.StatusBadRequest, "application/json", string(text))
		return
	}
	b.mu.Lock()
	b.received++
	b.apply(&e)
	b.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	json.NewEncoder(w).Encode(map[string]string{"status": "success", "message": "Event processed", "dedup_key": e.DedupKey})
}

// apply lets an event change its incident; called under mu.
func (b *Inbox) apply(e *event) {
	now := b.opt.Now()
	if e.DedupKey == "" {
		e.DedupKey = fmt.Sprintf("inbox-%d", b.received)
	}
	i := slices.IndexFunc(b.incidents, func(i Incident) bool { return i.Key == e.DedupKey && i.Status != "resolved" })
	if e.Action != "trigger" {
		if i < 0 {
			return // PagerDuty drops it too: there is nothing to resolve
		}
		in := &b.incidents[i]
		in.Log = append(in.Log, LogEntry{At: now, Action: e.Action})
		in.Status = "acknowledged"
		if e.Action == "resolve" {
			in.Status, in.Closed = "resolved", &now
		}
		return
	}
	if i >= 0 {
		b.incidents[i].Log = append(b.incidents[i].Log, LogEntry{At: now, Action: "trigger", Note: "repeated: same dedup_key, still one incident"})
		return
	}
	in := Incident{
		Key: e.DedupKey, Status: "triggered", Severity: e.Payload.Severity, Summary: e.Payload.Summary, Source: e.Payload.Source,
		Class: e.Payload.Class, Component: e.Payload.Component, Opened: now, Log: []LogEntry{{At: now, Action: "trigger"}},
	}
	for name, value := range e.Payload.Details {
		in.Details = append(in.Details, Detail{name, fmt.Sprint(value)})
	}
	slices.SortFunc(in.Details, func(a, b Detail) int { return compare(a.Name, b.Name) })
	for _, l := range e.Links {
		in.Links = append(in.Links, Link{l.Href, l.Text})
	}
	b.incidents = push(b.incidents, in, b.opt.Keep)
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
