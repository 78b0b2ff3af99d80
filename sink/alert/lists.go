package alert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// Alerts lists every alert that is or was ever active, the firing ones first, then pending, then the last resolved.
// What receivers answered is left out: a receiver's URL can be anything that answers, and its words are for
// administrators (Admin), not for everybody who may see the page.
func (m *Manager) Alerts() []Alert {
	list := m.alerts()
	for i := range list {
		for j := range list[i].Deliveries {
			d := &list[i].Deliveries[j]
			d.Attempts = slices.Clone(d.Attempts)
			for k := range d.Attempts {
				d.Attempts[k].Reply = ""
			}
		}
	}
	return list
}

func (m *Manager) alerts() []Alert {
	m.mu.Lock()
	defer m.mu.Unlock()
	messages := map[Key][]Delivery{}
	for _, q := range m.queues {
		q.mu.Lock()
		for _, l := range q.lines {
			for _, d := range l.messages {
				messages[l.key] = append(messages[l.key], *d)
			}
		}
		for _, d := range slices.Concat(q.delivered, q.dead) {
			messages[d.Key] = append(messages[d.Key], d)
		}
		q.mu.Unlock()
	}
	var list []Alert
	for _, id := range slices.Sorted(maps.Keys(m.instances)) {
		for _, in := range m.sorted(id) {
			list = append(list, m.alert(in, messages[in.Key]))
		}
	}
	rank := map[State]int{Firing: 0, Pending: 1, Resolved: 2, Inactive: 3}
	slices.SortFunc(list, func(a, b Alert) int {
		return cmp.Or(cmp.Compare(rank[a.State], rank[b.State]), severityRank(a.Severity)-severityRank(b.Severity),
			latest(b).Compare(latest(a)), a.Key.compare(b.Key))
	})
	return list
}

// deliveriesListed of one alert, the newest.
const deliveriesListed = 50

// alert is what an instance looks like from outside.
func (m *Manager) alert(in *instance, messages []Delivery) Alert {
	a := Alert{
		Key: in.Key, ID: EpisodeID(in.Key, in.Direction, in.Episode), Kind: in.Kind, Severity: in.Severity, State: in.State,
		Reason: in.Reason, Episode: in.Episode, Summary: in.Summary, Value: in.Value, Limit: in.Limit,
		Muted: in.State == Firing && !in.Told, Since: in.Since, FiredAt: in.FiredAt, ResolvedAt: in.ResolvedAt,
		Receivers: slices.Clone(in.Receivers), Runbook: in.Runbook, Deliveries: messages,
	}
	if now, ok := m.current[in.Key]; ok {
		a.Value, a.Limit = now.value, now.limit
	}
	slices.SortFunc(a.Deliveries, func(x, y Delivery) int { return cmp.Compare(y.Seq, x.Seq) })
	a.Deliveries = a.Deliveries[:min(len(a.Deliveries), deliveriesListed)]
	return a
}

func severityRank(s string) int {
	return slices.Index([]string{"critical", "error", "warning", "info"}, s)
}

func latest(a Alert) time.Time {
	for _, t := range []*time.Time{a.ResolvedAt, a.FiredAt, a.Since} {
		if t != nil {
			return *t
		}
	}
	return time.Time{}
}

// Transitions lists the last changes of state, newest first.
func (m *Manager) Transitions(limit int) []Transition {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.Clone(m.transitions[max(0, len(m.transitions)-limit):])
	slices.Reverse(list)
	return list
}

// Receivers lists where every receiver stands, by id.
func (m *Manager) Receivers() []Receiver {
	list := make([]Receiver, 0, len(m.queues))
	for _, id := range slices.Sorted(maps.Keys(m.queues)) {
		q := m.queues[id]
		q.mu.Lock()
		list = append(list, Receiver{
			ID: id, Kind: q.kind, Host: q.sender.Destination().Name, Disabled: q.disabled, Reason: q.reason,
			Waiting: q.waiting, Delivered: q.counts.delivered, Failed: q.counts.failed, Dead: len(q.dead), PausedUntil: q.dest.pausedUntil(),
		})
		q.mu.Unlock()
	}
	return list
}

// Progress lists how far the alerts have seen each experiment, by id.
func (m *Manager) Progress() []Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Progress
	for _, e := range m.experiments {
		p := m.progress[e.ID]
		list = append(list, Progress{Experiment: e.ID, AsOf: p.AsOf, Positions: maps.Clone(p.Positions), Behind: p.behind})
	}
	return list
}

// AcceptPositions forgets how far the alerts of an experiment have seen it, so that the next result is evaluated
// wherever it stands: for the operator who has accepted that a topic was recreated or state rebuilt from less.
func (m *Manager) AcceptPositions(experiment string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	p := m.progress[experiment]
	if p == nil || m.byID[experiment] == nil {
		return fmt.Errorf("alert: no experiment %q", experiment)
	}
	next := *p
	next.Positions, next.behind = nil, ""
	s := m.newStep(m.opt.Now())
	s.progress[experiment] = &next
	return s.commit()
}

// DeadLetters lists what could not be delivered, oldest first, with the bodies.
func (m *Manager) DeadLetters() ([]Delivery, error) {
	var list []Delivery
	err := m.store.each([]byte{deadPrefix}, func(k, v []byte) error {
		var row storedDelivery
		if err := decode(k, v, &row); err != nil {
			return err
		}
		row.Delivery.Body = row.Body
		list = append(list, row.Delivery)
		return nil
	})
	slices.SortFunc(list, func(a, b Delivery) int { return cmp.Compare(a.Seq, b.Seq) })
	return list, err
}

// Replay queues dead letters of a receiver again, with their ids and bodies; all of them if no id is named. It returns
// how many. When the beginning of an episode is replayed its end is too, whether it is dead or was delivered: the last
// word a receiver gets must be how things stand, and it knows what it had by the id.
func (m *Manager) Replay(receiver string, ids ...string) (int, error) {
	q := m.queues[receiver]
	if q == nil {
		return 0, fmt.Errorf("alert: no receiver %q", receiver)
	}
	m.replaying.Lock()
	defer m.replaying.Unlock()
	dead, err := m.rows(deadPrefix, q)
	if err != nil {
		return 0, err
	}
	delivered, err := m.rows(deliveredPrefix, q)
	if err != nil {
		return 0, err
	}
	type episode struct {
		key Key
		n   int64
	}
	begun := map[episode]bool{}
	named := func(d Delivery) bool { return len(ids) == 0 || slices.Contains(ids, d.ID) }
	for _, row := range dead {
		if named(row.Delivery) && row.Transition == notify.Firing {
			begun[episode{row.Key, row.Episode}] = true
		}
	}
	var again []storedDelivery
	var changes []change
	now := m.opt.Now()
	choose := func(prefix byte, rows []storedDelivery, want func(Delivery) bool) {
		for _, row := range rows {
			if !want(row.Delivery) && !(row.Transition == notify.Resolved && begun[episode{row.Key, row.Episode}]) {
				continue
			}
			row.Status, row.Reason, row.Settled = Waiting, "", nil
			row.Queued, row.NotBefore, row.Tries = now, now, 0
			again = append(again, row)
			changes = append(changes, change{deliveryKey(prefix, receiver, row.Seq), nil}, change{deliveryKey(outboxPrefix, receiver, row.Seq), encode(row)})
		}
	}
	choose(deadPrefix, dead, named)
	n := len(again)
	choose(deliveredPrefix, delivered, func(Delivery) bool { return false })
	if n == 0 {
		return 0, nil
	}
	if err := m.store.commit(changes, true); err != nil {
		return 0, err
	}
	q.mu.Lock()
	for i := range again {
		d := again[i].Delivery
		same := func(o Delivery) bool { return o.Seq == d.Seq }
		q.delivered, q.dead = slices.DeleteFunc(q.delivered, same), slices.DeleteFunc(q.dead, same)
		q.insert(&d)
	}
	q.mu.Unlock()
	q.signal()
	return n, nil
}

// rows reads a receiver's messages with their bodies, those written for another kind of receiver left out.
func (m *Manager) rows(prefix byte, q *queue) ([]storedDelivery, error) {
	var list []storedDelivery
	err := m.store.each(key(prefix, q.id), func(k, v []byte) error {
		var row storedDelivery
		if err := decode(k, v, &row); err != nil {
			return err
		}
		if row.Kind == q.kind {
			list = append(list, row)
		}
		return nil
	})
	return list, err
}

// Enable lets a receiver that was disabled (it answered 410) receive again, what waits for it first.
func (m *Manager) Enable(receiver string) error {
	q := m.queues[receiver]
	if q == nil {
		return fmt.Errorf("alert: no receiver %q", receiver)
	}
	if err := m.store.commit([]change{{key(receiverPrefix, receiver), nil}}, true); err != nil {
		return err
	}
	q.mu.Lock()
	q.disabled, q.reason = false, ""
	q.mu.Unlock()
	q.signal()
	return nil
}

// tooManyDead deletes the oldest dead letters of a receiver when added more come. It is logged: this is the one place
// where a message is forgotten.
func (m *Manager) tooManyDead(q *queue, added int) []change {
	q.mu.Lock()
	defer q.mu.Unlock()
	var changes []change
	for i := 0; i < len(q.dead)+added-m.opt.KeepDead && i < len(q.dead); i++ {
		changes = append(changes, change{deliveryKey(deadPrefix, q.id, q.dead[i].Seq), nil})
	}
	if len(changes) > 0 {
		m.opt.Logger.Error("dead letters dropped: there are too many", "receiver", q.id, "dropped", len(changes), "limit", m.opt.KeepDead)
	}
	return changes
}
