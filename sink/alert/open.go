package alert

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/pagerduty"
	"github.com/tidemark/tidemark/sink/slack"
	"github.com/tidemark/tidemark/sink/webhook"
)

// receiverRow is what is known of a receiver beyond the definitions.
type receiverRow struct {
	Destination string    `json:"destination"` // fingerprint of the endpoint that this is about
	Disabled    bool      `json:"disabled"`
	Reason      string    `json:"reason,omitempty"`
	At          time.Time `json:"at"`
}

func (m *Manager) newSender(r *catalog.Receiver) (Sender, error) {
	if m.opt.Sender != nil {
		return m.opt.Sender(r)
	}
	switch {
	case r.Slack != nil:
		return slack.New(m.client, r.Slack.URL, r.Slack.URLFile)
	case r.PagerDuty != nil:
		return pagerduty.New(m.client, r.PagerDuty.URL, r.PagerDuty.RoutingKeyFile)
	case r.Webhook != nil:
		return webhook.New(m.client, r.Webhook.URL, r.Webhook.SecretFile, webhook.Options{Rate: m.opt.WebhookRate, Burst: m.opt.WebhookBurst})
	}
	return nil, fmt.Errorf("it is none of slack, pagerduty, webhook")
}

// load reads the database into memory.
func (m *Manager) load() error {
	return m.store.each(nil, func(k, v []byte) error {
		switch k[0] {
		case alertPrefix:
			in := new(instance)
			if err := decode(k, v, in); err != nil {
				return err
			}
			m.keep(in)
		case experimentPrefix:
			p := new(progress)
			if err := decode(k, v, p); err != nil {
				return err
			}
			fields, err := splitKey(k)
			if err != nil {
				return err
			}
			m.progress[fields[0]] = p
		case transitionPrefix:
			var t Transition
			if err := decode(k, v, &t); err != nil {
				return err
			}
			m.transitions = append(m.transitions, t)
			m.seq = max(m.seq, t.Seq)
		case outboxPrefix, deliveredPrefix, deadPrefix:
			return m.loadDelivery(k, v)
		case receiverPrefix:
			return m.loadReceiver(k, v)
		}
		return nil
	})
}

func (m *Manager) loadDelivery(k, v []byte) error {
	var row storedDelivery
	if err := decode(k, v, &row); err != nil {
		return err
	}
	m.seq = max(m.seq, row.Seq)
	q := m.queues[row.Receiver]
	if q == nil {
		return nil // reconcile looks after it
	}
	switch k[0] {
	case outboxPrefix:
		if row.Kind == q.kind {
			d := row.Delivery
			q.insert(&d)
			if n := len(d.Attempts); n > 0 && d.Attempts[n-1].RetryAfter > 0 {
				last := d.Attempts[n-1]
				q.dest.pause(last.At.Add(last.Latency + last.RetryAfter)) // it asked the process before us
			}
		}
	case deliveredPrefix:
		q.delivered = append(q.delivered, row.Delivery)
	case deadPrefix:
		q.dead = append(q.dead, row.Delivery)
	}
	return nil
}

func (m *Manager) loadReceiver(k, v []byte) error {
	var row receiverRow
	if err := decode(k, v, &row); err != nil {
		return err
	}
	fields, err := splitKey(k)
	if err != nil {
		return err
	}
	// A receiver that was given another address is another receiver.
	if q := m.queues[fields[0]]; q != nil && row.Disabled && row.Destination == q.sender.Destination().ID {
		q.disabled, q.reason = true, row.Reason
	}
	return nil
}

// reconcile closes what the definitions do not cover any more.
func (m *Manager) reconcile() error {
	now := m.opt.Now()
	s := m.newStep(now)
	for _, e := range m.experiments {
		if m.progress[e.ID] == nil {
			p := &progress{Known: now}
			m.progress[e.ID], s.progress[e.ID] = p, p
			continue
		}
		p := *m.progress[e.ID]
		if p.Positions = m.known(p.Positions); len(p.Positions) != len(m.progress[e.ID].Positions) {
			s.progress[e.ID] = &p
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.instances)) {
		e := m.byID[id]
		for _, in := range m.sorted(id) {
			m.reconcileOne(s, in, e)
		}
	}
	if err := s.commit(); err != nil {
		return err
	}
	return m.buryOrphans(now)
}

// reconcileOne ends an alert whose rule or experiment is no more, or means something else.
func (m *Manager) reconcileOne(s *step, in *instance, e *experiment) {
	if e == nil {
		s.end(in, ExperimentRemoved, scene{at: s.at, lag: -1})
		return
	}
	sc := scene{at: s.at, experiment: e.Experiment, lag: -1, link: m.link(e.ID)}
	i := slices.IndexFunc(e.rules, func(r *rule) bool { return r.ID == in.Rule })
	switch {
	case i < 0:
		s.end(in, RuleRemoved, sc)
	case e.rules[i].version != in.Version:
		s.end(in, RuleUpdated, sc)
	}
}

// known leaves out the partitions of topics and the files that the definitions do not name any more: no result will
// ever stand in them again, and all would be taken for being behind. Positions are named topic/partition and
// source/file.
func (m *Manager) known(positions map[string]int64) map[string]int64 {
	topics, files := map[string]bool{}, map[string][]string{}
	for _, src := range m.set.Sources {
		for _, t := range src.Topics {
			topics[t] = true
		}
		if len(src.Files) > 0 {
			files[src.ID] = src.Files
		}
	}
	kept := make(map[string]int64, len(positions))
	for key, at := range positions {
		input, rest, _ := strings.Cut(key, "/")
		if topics[input] || slices.ContainsFunc(files[input], func(f string) bool { return f == rest || strings.HasSuffix(f, "/"+rest) }) {
			kept[key] = at
		}
	}
	return kept
}

// buryOrphans moves messages for receivers that are gone, or are of another kind now, to the dead letters: nobody
// would ever take them out of the outbox.
func (m *Manager) buryOrphans(now time.Time) error {
	var changes []change
	err := m.store.each([]byte{outboxPrefix}, func(k, v []byte) error {
		var row storedDelivery
		if err := decode(k, v, &row); err != nil {
			return err
		}
		q := m.queues[row.Receiver]
		if q != nil && row.Kind == q.kind {
			return nil
		}
		row.Status, row.Reason, row.Settled = Dead, "receiver_removed", &now
		if q != nil {
			row.Reason = fmt.Sprintf("receiver_changed: the message was written for %s, the receiver is %s now", row.Kind, q.kind)
			q.dead = append(q.dead, row.Delivery)
		}
		m.opt.Logger.Error("alert not delivered", "receiver", row.Receiver, "id", row.ID, "reason", row.Reason)
		changes = append(changes, change{bytes.Clone(k), nil}, change{deliveryKey(deadPrefix, row.Receiver, row.Seq), encode(row)})
		return nil
	})
	if err != nil || len(changes) == 0 {
		return err
	}
	return m.store.commit(changes, true)
}

// splitKey takes the length-prefixed fields of a key apart.
func splitKey(k []byte) ([]string, error) {
	var fields []string
	for rest := k[1:]; len(rest) > 0; {
		n, w := binary.Uvarint(rest)
		if w <= 0 || n > uint64(len(rest)-w) {
			return nil, fmt.Errorf("alert: key %q: %w", k, ErrCorrupt)
		}
		fields = append(fields, string(rest[w:w+int(n)]))
		rest = rest[w+int(n):]
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("alert: key %q: %w", k, ErrCorrupt)
	}
	return fields, nil
}

// tooManyTransitions deletes the oldest transitions when added new ones come.
func (m *Manager) tooManyTransitions(added int) []change {
	var changes []change
	for i := 0; i < len(m.transitions)+added-m.opt.KeepTransitions && i < len(m.transitions); i++ {
		changes = append(changes, change{transitionKey(m.transitions[i].Seq), nil})
	}
	return changes
}

// pebbleLogger puts Pebble's few lines into ours.
type pebbleLogger struct{ log *slog.Logger }

func (l pebbleLogger) Infof(string, ...any) {}
func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error("alerts' database", "err", fmt.Sprintf(format, args...))
}
func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.log.Error("alerts' database", "err", fmt.Sprintf(format, args...))
	panic(fmt.Sprintf("alert: database: "+format, args...))
}
