package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/stream/results"
)

// Manager is the alerts of one engine.
type Manager struct {
	opt    Options
	set    *catalog.Set
	store  *store
	client *notify.Client

	// Fixed at Open.
	experiments []*experiment // by id
	byID        map[string]*experiment
	queues      map[string]*queue // by receiver

	randomLock sync.Mutex // guards opt.Rand
	// replaying is held by one Replay at a time: two would queue the same rows. Whoever makes rows dead or delivered holds it
	// shared, from before the commit until its queue's lists have them too: Replay takes from the rows and from the lists, and
	// what came to the lists only afterwards would stay there. Taken after mu and before queue.mu.
	replaying sync.RWMutex

	mu          sync.Mutex
	closed      bool
	running     bool
	instances   map[string]map[Key]*instance // by experiment
	current     map[Key]shown                // what pending and firing alerts show now; not stored
	progress    map[string]*progress
	transitions []Transition // the last ones, oldest first
	seq         uint64       // the last one given out

	failed   chan struct{} // closed by the first failure
	failure  error         // written once, before failed is closed
	failOnce sync.Once
}

// experiment is one of the catalog's, with the rules that cover it.
type experiment struct {
	*catalog.Experiment
	rules []*rule
	live  bool
}

type shown struct{ value, limit string }

// Open opens or creates the alerts' database in dir and takes up where it left off. Episodes of rules, experiments and
// receivers that set no longer has, or that mean something else in it, are closed, and their end is queued.
func Open(dir string, set *catalog.Set, opt Options) (*Manager, error) {
	opt.ensureDefaults()
	m := &Manager{
		opt: opt, set: set, byID: map[string]*experiment{}, queues: map[string]*queue{},
		instances: map[string]map[Key]*instance{}, current: map[Key]shown{}, progress: map[string]*progress{}, failed: make(chan struct{}),
	}
	m.client = notify.NewClient(notify.ClientOptions{Policy: opt.Policy, Timeout: opt.Timeout, Now: opt.Now})
	if err := m.compile(); err != nil {
		return nil, err
	}
	if err := m.connect(); err != nil {
		return nil, err
	}
	var err error
	if m.store, err = openStore(dir, opt.FS, pebbleLogger{opt.Logger}, opt.database); err != nil {
		return nil, err
	}
	if err = m.load(); err == nil {
		err = m.reconcile()
	}
	if err != nil {
		m.store.close()
		return nil, err
	}
	return m, nil
}

// compile finds the rules of each experiment.
func (m *Manager) compile() error {
	var rules []*rule
	for _, a := range m.set.Alerts {
		r, err := newRule(a)
		if err != nil {
			return err
		}
		rules = append(rules, r)
	}
	for _, e := range m.set.Experiments {
		x := &experiment{Experiment: e, live: live(e)}
		for _, r := range rules {
			if r.covers(e.ID) {
				x.rules = append(x.rules, r)
			}
		}
		m.experiments = append(m.experiments, x)
		m.byID[e.ID] = x
	}
	slices.SortFunc(m.experiments, func(a, b *experiment) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

// connect makes the sender and queue of each receiver. Receivers with one endpoint share its limit.
func (m *Manager) connect() error {
	destinations := map[string]*destination{}
	for _, r := range m.set.Receivers {
		sender, err := m.newSender(r)
		if err != nil {
			return fmt.Errorf("alert: receiver %s: %w", r.ID, err)
		}
		d := sender.Destination()
		if destinations[d.ID] == nil {
			destinations[d.ID] = newDestination(d, m.opt.Now())
		}
		m.queues[r.ID] = newQueue(r, sender, destinations[d.ID])
	}
	return nil
}

// Observe evaluates a published result. It returns when what changed is durable. Results of experiments that the
// definitions do not have are ignored.
func (m *Manager) Observe(r *results.Result) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	e := m.byID[r.Experiment]
	if e == nil || len(e.rules) == 0 {
		return nil
	}
	seen := m.progress[e.ID]
	if seen.behind = behind(seen.Positions, r.Positions); seen.behind != "" {
		m.tellBehind(e, seen, r)
		return nil
	}
	seen.quietUntil = time.Time{}
	// An instant never goes back, whatever clock stamped the result: `for` must not be waited for twice.
	at := r.AsOf
	if at.IsZero() || at.Before(seen.AsOf) {
		at = seen.AsOf
	}
	if at.IsZero() {
		at = m.opt.Now()
	}
	// A result without a watermark (a new partition that nothing was read from) does not unlearn how young data was.
	watermark := finite(r.Watermark)
	if watermark == nil {
		watermark = seen.Watermark
	}
	s := m.newStep(at)
	if p := (&progress{AsOf: at, Watermark: watermark, Positions: r.Positions, Complete: r.Complete, Known: seen.Known, last: r}); !p.same(seen) {
		s.progress[e.ID] = p
	} else {
		seen.last = r
	}
	m.evaluate(s, e, r)
	return s.commit()
}

// behindEvery is how often it is said that an experiment's alerts wait for a replay; the first time is no news, since
// every restart replays a little.
const behindEvery = 5 * time.Minute

func (m *Manager) tellBehind(e *experiment, seen *progress, r *results.Result) {
	now := m.opt.Now()
	switch {
	case seen.quietUntil.IsZero():
		seen.quietUntil = now.Add(behindEvery)
	case !now.Before(seen.quietUntil):
		seen.quietUntil = now.Add(behindEvery)
		m.opt.Logger.Warn("alerts wait: results are still behind what was evaluated before; if they will never catch up, accept their positions",
			"experiment", e.ID, "partition", seen.behind, "evaluated", seen.Positions[seen.behind], "now", r.Positions[seen.behind])
	}
}

// Follow observes what hub publishes until ctx ends or the hub is closed.
func (m *Manager) Follow(ctx context.Context, hub *results.Hub) error {
	s := hub.Subscribe()
	defer s.Close()
	for {
		u, err := s.Next(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, results.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		if err := m.Observe(u.Result); err != nil {
			return err
		}
	}
}

// same says that there is nothing new to store.
func (p *progress) same(o *progress) bool {
	return p.AsOf.Equal(o.AsOf) && maps.Equal(p.Positions, o.Positions) && p.Complete == o.Complete &&
		(p.Watermark == nil) == (o.Watermark == nil) && (p.Watermark == nil || p.Watermark.Equal(*o.Watermark))
}

// finite takes away a watermark that stands for "no more will come": JSON can't write its year, and it has no age.
func finite(t *time.Time) *time.Time {
	if t == nil || t.Year() < 1 || t.Year() > 9999 {
		return nil
	}
	return t
}

// evaluate lets every rule of the experiment look at the result.
func (m *Manager) evaluate(s *step, e *experiment, r *results.Result) {
	age := time.Duration(-1)
	if w := finite(r.Watermark); w != nil {
		age = max(0, s.now.Sub(*w))
	}
	muted := r.SRM.State == "failed"
	seen := map[Key]bool{}
	for _, rl := range e.rules {
		if rl.kind == notify.Stale {
			m.applyStale(s, rl, e)
			seen[Key{Rule: rl.ID, Experiment: e.ID}] = true
			continue
		}
		blocked := total(r) < rl.MinSubjects
		for _, o := range rl.observe(r) {
			seen[o.key] = true
			sc := scene{at: s.at, experiment: e.Experiment, result: r, row: o.row, lag: age, link: m.link(e.ID)}
			if r.State == "stopped" {
				if in := m.instances[e.ID][o.key]; in != nil {
					s.end(in, ExperimentStopped, sc)
				}
				continue
			}
			s.apply(rl, o, blocked, muted && rl.onRows(), sc)
		}
	}
	for _, in := range m.sorted(e.ID) {
		if seen[in.Key] {
			continue
		}
		s.end(in, RowGone, scene{at: s.at, experiment: e.Experiment, result: r, lag: age, link: m.link(e.ID)})
	}
}

// sorted lists an experiment's alerts in a fixed order: map order must not reach ids, rows or messages.
func (m *Manager) sorted(experiment string) []*instance {
	return slices.SortedFunc(maps.Values(m.instances[experiment]), func(a, b *instance) int { return a.Key.compare(b.Key) })
}

// keep makes in the alert's present state.
func (m *Manager) keep(in *instance) {
	of := m.instances[in.Experiment]
	if of == nil {
		of = map[Key]*instance{}
		m.instances[in.Experiment] = of
	}
	of[in.Key] = in
}

func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Experiment, o.Experiment), cmp.Compare(k.Rule, o.Rule), cmp.Compare(k.Metric, o.Metric), cmp.Compare(k.Variant, o.Variant))
}

func (m *Manager) link(experiment string) string {
	if m.opt.BaseURL == "" {
		return ""
	}
	return strings.TrimRight(m.opt.BaseURL, "/") + "/experiments/" + url.PathEscape(experiment)
}

// nextSeq is called under mu.
func (m *Manager) nextSeq() uint64 {
	m.seq++
	return m.seq
}

func (m *Manager) waiting(q *queue) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}

// Run delivers messages and watches stale rules until ctx ends, then returns nil; requests under way get two seconds.
// It returns an error when the database can't be written any more. It is called once.
func (m *Manager) Run(ctx context.Context) error {
	m.mu.Lock()
	if m.running || m.closed {
		m.mu.Unlock()
		return errors.New("alert: Run is called once, before Close")
	}
	m.running = true
	m.mu.Unlock()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var loops sync.WaitGroup
	for _, q := range m.queues {
		loops.Go(func() { m.drain(ctx, q) })
	}
	if m.anyStale() {
		loops.Go(func() { m.watch(ctx) })
	}
	select {
	case <-ctx.Done():
	case <-m.failed:
		stop()
	}
	loops.Wait()
	m.client.Close()
	select {
	case <-m.failed:
		return m.failure
	default:
		return nil
	}
}

// fail ends Run: what can't be recorded must not go on being sent.
func (m *Manager) fail(err error) {
	m.failOnce.Do(func() {
		m.failure = err
		close(m.failed)
	})
}

// Close closes the database. Run must have returned.
func (m *Manager) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	return m.store.close()
}
