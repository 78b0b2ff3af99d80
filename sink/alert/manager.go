package alert

import (
	"context"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// Manager is the alerts of one engine.
type Manager struct{}

// Open opens or creates the alerts' database in dir and takes up where it left off under the definitions of set.
func Open(dir string, set *catalog.Set, opt Options) (*Manager, error) { return &Manager{}, nil }

// Observe evaluates a published result. It returns when what changed is durable.
func (m *Manager) Observe(r *results.Result) error { return nil }

// Run delivers messages and watches stale rules until ctx ends. It is called once.
func (m *Manager) Run(ctx context.Context) error { return nil }

// Close closes the database. Run must have returned.
func (m *Manager) Close() error { return nil }

// Alerts lists every alert that is or was ever active, the firing ones first.
func (m *Manager) Alerts() []Alert { return nil }

// Transitions lists the last changes of state, newest first.
func (m *Manager) Transitions(limit int) []Transition { return nil }

// Receivers lists where every receiver stands.
func (m *Manager) Receivers() []Receiver { return nil }

// Progress lists how far the alerts have seen each experiment.
func (m *Manager) Progress() []Progress { return nil }

// DeadLetters lists what could not be delivered, oldest first.
func (m *Manager) DeadLetters() []Delivery { return nil }

// Replay queues dead letters of a receiver again, with their ids; all of them if none is named.
func (m *Manager) Replay(receiver string, ids ...string) (int, error) { return 0, nil }

// Enable lets a receiver that was disabled (it answered 410) receive again.
func (m *Manager) Enable(receiver string) error { return nil }

// AcceptPositions forgets how far the alerts of an experiment have seen it, so that the next result is evaluated
// wherever it stands: for the operator who has accepted that a topic was recreated or state rebuilt from less.
func (m *Manager) AcceptPositions(experiment string) error { return nil }
