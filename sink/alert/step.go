package alert

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/stream/results"
)

// step is everything that one result, one tick of the clock or one change of the definitions causes. It is collected
// first, committed as one batch, and only then becomes true in memory and visible to senders.
type step struct {
	m           *Manager
	at          time.Time // of the transitions
	now         time.Time // by the clock
	changed     map[Key]*instance
	transitions []Transition
	messages    []message
	progress    map[string]*progress
}

type message struct {
	Delivery
	kind string
	body []byte
}

func (m *Manager) newStep(at time.Time) *step {
	return &step{m: m, at: at, now: m.opt.Now(), changed: map[Key]*instance{}, progress: map[string]*progress{}}
}

// instance returns a copy of the alert's machine that the step may change; a new one if there is none.
func (s *step) instance(k Key, r *rule) *instance {
	if in := s.changed[k]; in != nil {
		return in
	}
	if in := s.m.instances[k.Experiment][k]; in != nil {
		c := *in
		return &c
	}
	return &instance{Key: k, Kind: r.kind, Direction: r.direction, State: Inactive}
}

// adopt puts the rule's present text and addressees on a machine that is about to begin an episode.
func (in *instance) adopt(r *rule) {
	in.Kind, in.Version, in.Direction = r.kind, r.version, r.direction
	in.Severity, in.Runbook, in.Receivers = string(r.Severity), r.Runbook, slices.Clone(r.Receivers)
}

// apply lets a rule's machine take one observation.
func (s *step) apply(r *rule, o observation, blocked, muted bool, sc scene) {
	in := s.instance(o.key, r)
	from := in.State
	if from == Inactive || from == Resolved {
		in.adopt(r)
	}
	if in.advance(o.truth, s.at, r.For, blocked) {
		in.Value, in.Limit = sc.value(in.Kind)
		s.note(in, from)
		s.changed[o.key] = in
		switch in.State {
		case Firing:
			in.Summary = r.text.render(in.notification(notify.Firing, sc))
			if !muted {
				s.tell(in, notify.Firing, sc)
			}
		case Resolved:
			s.tellEnd(in, sc)
		}
		return
	}
	if in.State == Firing && !in.Told && !muted && o.truth == yes {
		// It began while the split was not the planned one and still holds now that it is.
		s.tell(in, notify.Firing, sc)
		s.changed[o.key] = in
		return
	}
	if from == Firing || from == Pending {
		value, limit := sc.value(in.Kind)
		s.m.current[o.key] = shown{value, limit}
	}
}

// end closes a machine for a reason outside its condition.
func (s *step) end(in *instance, why Reason, sc scene) {
	c := *in
	from := c.State
	if !c.end(s.at, why) {
		return
	}
	s.changed[c.Key] = &c
	s.note(&c, from)
	if c.State == Resolved {
		s.tellEnd(&c, sc)
	}
}

// tellEnd tells the end of an episode to whom its beginning was told, and to nobody else.
func (s *step) tellEnd(in *instance, sc scene) {
	if in.Told {
		s.tell(in, notify.Resolved, sc)
	}
}

// tell renders the message for every receiver of the episode.
func (s *step) tell(in *instance, t notify.Transition, sc scene) {
	in.Told = true
	n := in.notification(t, sc)
	for i, id := range in.Receivers {
		if slices.Contains(in.Receivers[:i], id) {
			continue // named twice, told once
		}
		d := Delivery{
			ID: n.ID, Receiver: id, Key: in.Key, Episode: in.Episode, Transition: t, Status: Waiting,
			Created: s.now, Queued: s.now, NotBefore: s.now, Seq: s.m.nextSeq(),
		}
		msg := message{Delivery: d}
		q := s.m.queues[id]
		var err error
		switch {
		case q == nil:
			err = errors.New("receiver_removed")
		case s.m.waiting(q)+s.pending(id) >= s.m.opt.MaxWaiting:
			err = fmt.Errorf("queue_full: %d messages wait already", s.m.opt.MaxWaiting)
		}
		if q != nil {
			msg.kind = q.kind
			var renderErr error
			if msg.body, renderErr = q.sender.Render(n); renderErr != nil {
				err = renderErr
			}
		}
		if err != nil {
			msg.Status, msg.Reason, msg.Settled = Dead, err.Error(), &s.now
		}
		s.messages = append(s.messages, msg)
	}
}

func (s *step) pending(receiver string) int {
	n := 0
	for _, m := range s.messages {
		if m.Receiver == receiver && m.Status == Waiting {
			n++
		}
	}
	return n
}

func (s *step) note(in *instance, from State) {
	s.transitions = append(s.transitions, Transition{
		Seq: s.m.nextSeq(), Key: in.Key, From: from, To: in.State, Reason: in.Reason, Episode: in.Episode,
		At: s.at, Value: in.Value, Limit: in.Limit,
	})
}

// commit makes the step durable, then true. It is synced if a state changed; positions alone are not, since a result
// that is evaluated twice without a change in between changes nothing the second time either.
func (s *step) commit() error {
	m := s.m
	var changes []change
	for i := range s.transitions {
		t := &s.transitions[i]
		in := s.changed[t.Key]
		t.Muted = in.State == Firing && !in.Told
		changes = append(changes, change{transitionKey(t.Seq), encode(t)})
	}
	for _, in := range s.changed {
		changes = append(changes, change{in.Key.row(), encode(in)})
	}
	for id, p := range s.progress {
		changes = append(changes, change{key(experimentPrefix, id), encode(p)})
	}
	for _, msg := range s.messages {
		prefix := byte(outboxPrefix)
		if msg.Status == Dead {
			prefix = deadPrefix
		}
		changes = append(changes, change{deliveryKey(prefix, msg.Receiver, msg.Seq), encode(storedDelivery{msg.Delivery, msg.kind, msg.body})})
	}
	changes = append(changes, m.tooManyTransitions(len(s.transitions))...)
	if len(changes) == 0 {
		return nil
	}
	if slices.ContainsFunc(s.messages, func(msg message) bool { return msg.Status == Dead }) {
		m.replaying.RLock()
		defer m.replaying.RUnlock()
	}
	if err := m.store.commit(changes, len(s.changed) > 0 || len(s.messages) > 0); err != nil {
		return fmt.Errorf("alert: commit: %w", err)
	}
	s.publish()
	return nil
}

// publish makes the committed step true in memory and hands its messages to the queues.
func (s *step) publish() {
	m := s.m
	for k, in := range s.changed {
		m.keep(in)
		delete(m.current, k)
	}
	for id, p := range s.progress {
		m.progress[id] = p
	}
	for _, t := range s.transitions {
		m.transitions = append(m.transitions, t)
		m.opt.Logger.Info("alert changed", "alert", t.Key.Rule, "experiment", t.Key.Experiment, "metric", t.Key.Metric,
			"variant", t.Key.Variant, "from", t.From, "to", t.To, "reason", t.Reason, "episode", t.Episode, "value", t.Value, "muted", t.Muted)
		if m.opt.OnTransition != nil {
			m.opt.OnTransition(t)
		}
	}
	if extra := len(m.transitions) - m.opt.KeepTransitions; extra > 0 {
		m.transitions = slices.Clone(m.transitions[extra:])
	}
	if len(s.messages) > 0 {
		m.opt.OnPoint(AfterCommit)
	}
	for _, msg := range s.messages {
		if msg.Status == Dead {
			m.opt.Logger.Error("alert not delivered", "receiver", msg.Receiver, "id", msg.ID, "reason", msg.Reason)
			if q := m.queues[msg.Receiver]; q != nil {
				q.mu.Lock()
				q.dead = append(q.dead, msg.Delivery)
				q.mu.Unlock()
			}
			continue
		}
		d := msg.Delivery
		m.queues[msg.Receiver].add(&d)
	}
}

// progress is how far an experiment's results have been evaluated.
type progress struct {
	AsOf      time.Time        `json:"as_of"`
	Watermark *time.Time       `json:"watermark,omitempty"`
	Positions map[string]int64 `json:"positions,omitempty"`
	Complete  bool             `json:"complete,omitempty"`
	// Known is when the experiment was first seen in the definitions: from here it can be stale without any result.
	Known time.Time `json:"known"`

	last       *results.Result // for stale rules' messages
	behind     string          // partition in which the last result was behind
	quietUntil time.Time       // when it is said (again) that it is
}
