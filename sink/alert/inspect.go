package alert

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Inspect writes every row of the alerts' database in dir as one line, and checks what openStore and the rows' own
// relations allow to check; fs is nil for the disk. The database must not be open. It changes nothing.
func Inspect(dir string, fs vfs.FS, w io.Writer) error {
	if fs == nil {
		fs = vfs.Default
	}
	s, err := openStore(dir, fs, silent{}, readOnly)
	if err != nil {
		return err
	}
	defer s.close()
	var c checker
	err = s.each(nil, func(k, v []byte) error {
		var row any
		if err := decode(k, v, &row); err != nil {
			return err
		}
		text, err := json.Marshal(row)
		if err != nil {
			return err
		}
		if err := c.row(k, v); err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%-10s %s\n", rowName(k[0]), text)
		return err
	})
	if err != nil {
		return err
	}
	return c.finish()
}

func rowName(prefix byte) string {
	names := map[byte]string{
		formatPrefix: "format", checkPrefix: "check", experimentPrefix: "experiment", alertPrefix: "alert", outboxPrefix: "waiting",
		deliveredPrefix: "delivered", deadPrefix: "dead", transitionPrefix: "transition", receiverPrefix: "receiver",
	}
	if n, ok := names[prefix]; ok {
		return n
	}
	return fmt.Sprintf("unknown(%q)", prefix)
}

// checker walks the invariants that hold between rows.
type checker struct {
	episodes map[Key]int64
	messages []storedDelivery
	seqs     map[uint64]string
}

func (c *checker) row(k, v []byte) error {
	if c.episodes == nil {
		c.episodes, c.seqs = map[Key]int64{}, map[uint64]string{}
	}
	switch k[0] {
	case alertPrefix:
		var in instance
		if err := decode(k, v, &in); err != nil {
			return err
		}
		if string(in.Key.row()) != string(k) {
			return fmt.Errorf("alert: row %q is about %v: %w", k, in.Key, ErrCorrupt)
		}
		if in.State == Firing && (in.FiredAt == nil || in.Episode == 0) || in.State == Pending && in.Since == nil {
			return fmt.Errorf("alert: %v is %s without a beginning: %w", in.Key, in.State, ErrCorrupt)
		}
		c.episodes[in.Key] = in.Episode
	case outboxPrefix, deliveredPrefix, deadPrefix:
		var row storedDelivery
		if err := decode(k, v, &row); err != nil {
			return err
		}
		if want := deliveryKey(k[0], row.Receiver, row.Seq); string(want) != string(k) {
			return fmt.Errorf("alert: row %q is message %d for %s: %w", k, row.Seq, row.Receiver, ErrCorrupt)
		}
		if old, ok := c.seqs[row.Seq]; ok {
			return fmt.Errorf("alert: message %d is there twice, for %s and %s: %w", row.Seq, old, row.Receiver, ErrCorrupt)
		}
		c.seqs[row.Seq] = row.Receiver
		c.messages = append(c.messages, row)
	}
	return nil
}

// finish checks what needs all rows: no message about an episode that its alert has not begun.
func (c *checker) finish() error {
	for _, m := range c.messages {
		if have := c.episodes[m.Key]; m.Episode > have || m.Episode < 1 {
			return fmt.Errorf("alert: message %s is about episode %d, its alert has had %d: %w", m.ID, m.Episode, have, ErrCorrupt)
		}
		if !strings.HasPrefix(m.ID, "evt_") {
			return fmt.Errorf("alert: message %q has no id of ours: %w", m.ID, ErrCorrupt)
		}
	}
	return nil
}

type silent struct{}

func (silent) Infof(string, ...any)           {}
func (silent) Errorf(string, ...any)          {}
func (silent) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }
