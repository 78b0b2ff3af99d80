package state

import (
	"errors"
	"fmt"
)

// BeginDurable begins what Durable does, and returns a function that waits for the rest of it, on any goroutine, while the
// store's own goes on: flushing may take longer than anybody wants to wait for a result. Once wait has returned nil, everything
// that was committed before BeginDurable survives the machine. The store must not be closed, nor another one begun, before it
// has returned; after an error the store must not be used any more.
func (s *Store) BeginDurable() (wait func() error, err error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	if s.opt.WAL { // a log that is synced is quick
		err := s.Durable()
		return func() error { return err }, nil
	}
	commit := s.offsets.commit
	flushed, err := s.db.AsyncFlush()
	if err != nil {
		return nil, s.fail(fmt.Errorf("state: flush: %w", err))
	}
	return func() error {
		<-flushed
		if damage := s.damaged.Load(); damage != nil {
			return fmt.Errorf("state: Pebble found damage: %w", errors.Join(*damage, ErrCorrupt))
		}
		if err := writeMarker(s.opt.FS, s.dir, commit); err != nil {
			return fmt.Errorf("state: mark commit %d as durable: %w", commit, err)
		}
		return nil
	}, nil
}
