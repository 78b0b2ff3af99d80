package alert

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

const (
	// grace is how long a request that is under way when Run ends may still take. Cut off, it would be repeated
	// after the restart although the receiver may have it.
	grace = 2 * time.Second
	// attemptsKept of a message, the last ones; the number of tries is kept apart.
	attemptsKept = 8
)

// storedDelivery is a message's row: the Delivery and its body.
type storedDelivery struct {
	Delivery
	Kind string `json:"kind"` // of the receiver that the body was rendered for
	Body []byte `json:"body"`
}

// drain delivers the messages of one queue until ctx ends, then waits for those under way.
func (m *Manager) drain(ctx context.Context, q *queue) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var workers sync.WaitGroup
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		d, wait := q.take(m.opt.Now(), m.opt.Concurrency)
		if d != nil {
			workers.Go(func() { m.deliver(sending, q, d) })
			continue
		}
		var due <-chan time.Time
		if wait >= 0 {
			timer.Reset(wait)
			due = timer.C
		}
		select {
		case <-ctx.Done():
			cutOff := time.AfterFunc(grace, stop)
			workers.Wait()
			cutOff.Stop()
			return
		case <-q.wake:
		case <-due:
		}
	}
}

// deliver makes one attempt and records what came of it.
func (m *Manager) deliver(ctx context.Context, q *queue, d *Delivery) {
	var row storedDelivery
	k := deliveryKey(outboxPrefix, q.id, d.Seq)
	value, err := m.store.get(k)
	if err == nil {
		err = decode(k, value, &row)
	}
	if err != nil {
		// The row is damaged on disk. Nothing can be sent from it, and nothing must hide it.
		m.opt.Logger.Error("alert message can't be read", "receiver", q.id, "id", d.ID, "err", err)
		m.fail(fmt.Errorf("alert: read message %s: %w", d.ID, err))
		return
	}
	m.opt.OnPoint(BeforeSend)
	a := q.sender.Send(ctx, d.ID, row.Body)
	m.opt.OnPoint(AfterSend)
	if ctx.Err() != nil && a.Verdict == notify.Retry {
		// Our own end cut it off: not the receiver's failure. It stays in the outbox as it was.
		q.mu.Lock()
		q.release(d, false)
		q.mu.Unlock()
		return
	}
	if err := m.settle(q, d, row, a); err != nil {
		m.opt.Logger.Error("alert delivery can't be recorded", "receiver", q.id, "id", d.ID, "err", err)
		m.fail(err)
		return
	}
	if m.opt.OnAttempt != nil {
		m.opt.OnAttempt(q.id, a)
	}
	q.signal()
}

// settle records an attempt: delivered, dead, or to be repeated.
func (m *Manager) settle(q *queue, d *Delivery, row storedDelivery, a notify.Attempt) error {
	now := m.opt.Now()
	next := *d
	next.Tries++
	next.Attempts = append(slices.Clone(d.Attempts), a)
	if len(next.Attempts) > attemptsKept {
		next.Attempts = slices.Clone(next.Attempts[len(next.Attempts)-attemptsKept:])
	}
	log := m.opt.Logger.With("receiver", q.id, "id", d.ID, "alert", d.Key.Rule, "experiment", d.Key.Experiment, "transition", d.Transition, "try", next.Tries)

	verdict, reason := a.Verdict, a.Error
	if verdict == notify.Retry && now.Sub(next.Queued) >= giveUpAfter && next.Tries >= giveUpTries {
		verdict, reason = notify.Dead, fmt.Sprintf("gave up after %d tries in %s: %s", next.Tries, now.Sub(next.Queued).Round(time.Minute), a.Error)
	}
	switch verdict {
	case notify.Delivered:
		log.Info("alert delivered", "latency", a.Latency, "status", a.Status)
		return m.settleDelivered(q, d, next, row, now)
	case notify.Dead, notify.Disable:
		log.Error("alert not delivered", "reason", reason, "status", a.Status)
		return m.settleDead(q, d, next, row, now, reason, verdict == notify.Disable)
	}
	next.NotBefore = m.nextTry(now, next.Tries, a.RetryAfter)
	switch {
	case a.RetryAfter > 0:
		q.dest.pause(now.Add(a.RetryAfter))
	case a.Status == http.StatusTooManyRequests:
		// Too many, and not for how long. The others must not try it out one by one.
		q.dest.pause(now.Add(min(next.NotBefore.Sub(now), unaskedRest)))
	}
	log.Warn("alert delivery failed", "err", a.Error, "status", a.Status, "next", next.NotBefore)
	row.Delivery = next
	// Not synced: losing it to a crash of the machine means trying sooner.
	if err := m.store.commit([]change{{deliveryKey(outboxPrefix, q.id, d.Seq), encode(row)}}, false); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	*d = next
	q.failing = true
	q.counts.failed++
	q.release(d, false)
	return nil
}

func (m *Manager) settleDelivered(q *queue, d *Delivery, next Delivery, row storedDelivery, now time.Time) error {
	m.replaying.RLock()
	defer m.replaying.RUnlock()
	next.Status, next.Settled = Delivered, &now
	row.Delivery = next
	changes := []change{
		{deliveryKey(outboxPrefix, q.id, d.Seq), nil},
		{deliveryKey(deliveredPrefix, q.id, d.Seq), encode(row)},
	}
	q.mu.Lock()
	var old []uint64
	for i := 0; i <= len(q.delivered)-m.opt.KeepDelivered; i++ {
		old = append(old, q.delivered[i].Seq)
	}
	q.mu.Unlock()
	for _, seq := range old {
		changes = append(changes, change{deliveryKey(deliveredPrefix, q.id, seq), nil})
	}
	if err := m.store.commit(changes, true); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.delivered = slices.DeleteFunc(q.delivered, func(o Delivery) bool { return slices.Contains(old, o.Seq) })
	q.delivered = append(q.delivered, next)
	q.counts.delivered++
	if q.failing {
		q.failing = false
		q.forward(now)
	}
	q.release(d, true)
	return nil
}

// settleDead moves a message to the dead letters. With disable its receiver gets nothing more until somebody enables
// it or gives it another address; what else waits for it goes on waiting, in order.
func (m *Manager) settleDead(q *queue, d *Delivery, next Delivery, row storedDelivery, now time.Time, reason string, disable bool) error {
	m.replaying.RLock()
	defer m.replaying.RUnlock()
	next.Status, next.Reason, next.Settled = Dead, reason, &now
	row.Delivery = next
	changes := []change{
		{deliveryKey(outboxPrefix, q.id, d.Seq), nil},
		{deliveryKey(deadPrefix, q.id, d.Seq), encode(row)},
	}
	if disable {
		changes = append(changes, change{key(receiverPrefix, q.id), encode(receiverRow{Destination: q.sender.Destination().ID, Disabled: true, Reason: reason, At: now})})
	}
	changes = append(changes, m.tooManyDead(q, 1)...)
	if err := m.store.commit(changes, true); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dead = append(q.dead, next)
	q.dead = q.dead[max(0, len(q.dead)-m.opt.KeepDead):]
	q.counts.failed++
	q.failing = true
	q.release(d, true)
	if disable {
		q.disabled, q.reason = true, reason
		m.opt.Logger.Error("receiver disabled: it answered that it is gone for good; correct it and restart, or enable it", "receiver", q.id)
	}
	return nil
}

// nextTry serialises the use of the random source.
func (m *Manager) nextTry(now time.Time, tries int, retryAfter time.Duration) time.Time {
	m.randomLock.Lock()
	defer m.randomLock.Unlock()
	return next(now, tries, retryAfter, m.opt.Rand)
}
