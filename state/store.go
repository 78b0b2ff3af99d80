package state

import (
	"context"
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

var errUnbuilt = errors.New("state: not built yet")

// Store is one shard's subjects. It belongs to one goroutine; Name may be called from any.
type Store struct {
	plan *catalog.Plan
}

// Open opens or creates the store in dir for the plan. It fails with ErrCorrupt, ErrFormat or a *DefinitionsChangedError.
func Open(dir string, plan *catalog.Plan, opt Options) (*Store, error) { return nil, errUnbuilt }

// Input returns the number of an input, giving it one at its first appearance. It fails with an *InputChangedError if the
// topic is another one than the store read before.
func (s *Store) Input(name InputName) (Input, error) { return 0, errUnbuilt }

// Positions are the inputs known so far and how far each has been applied, by rising Input.
func (s *Store) Positions() []Position { return nil }

// Clock is the shard's clock C; math.MinInt64 before the first batch.
func (s *Store) Clock() int64 { return 0 }

// ID returns the dictionary id of a dimension's value, giving it one at its first appearance.
func (s *Store) ID(value []byte) uint32 { return 0 }

// Name returns the value of a dictionary id. It may be called from any goroutine.
func (s *Store) Name(id uint32) string { return "" }

// Apply changes the subjects of the batch in memory and tells sink what that changes. After an error other than
// ErrRejectsFull (which changes nothing) the store is not usable and must be opened again.
func (s *Store) Apply(b *Batch, sink Sink) error { return errUnbuilt }

// Dirty is about how many bytes the next Commit will write.
func (s *Store) Dirty() int64 { return 0 }

// Commit writes all that Apply changed, the positions and the ledger in one batch. extra (cube.Cube.Persist) adds the
// cube's rows to it: it calls set with each key, which starts with 'c', and its old and new value (nil: absent). set keeps
// the digest, which is why it wants the old values.
func (s *Store) Commit(extra func(set func(key, old, new []byte) error) error) error { return errUnbuilt }

// Durable makes everything committed so far survive a crash of the machine.
func (s *Store) Durable() error { return errUnbuilt }

// Checkpoint makes the store durable and a copy of it in dir, which must not exist.
func (s *Store) Checkpoint(dir string) error { return errUnbuilt }

// Reader reads what is committed; the cube loads its cells from it.
func (s *Store) Reader() pebble.Reader { return nil }

// Ledger returns a copy of the ledger.
func (s *Store) Ledger() *Ledger { return nil }

// Subjects is how many subjects the store has.
func (s *Store) Subjects() int64 { return 0 }

// Metrics are Pebble's: compaction debt, disk use.
func (s *Store) Metrics() *pebble.Metrics { return nil }

// Close closes the store without committing.
func (s *Store) Close() error { return errUnbuilt }

// Rejects calls f for each kept rejected or late record, oldest first; Key and Value are valid during the call only.
func (s *Store) Rejects(f func(Kept) error) error { return errUnbuilt }

// Kept is a rejected or late record with its original bytes.
type Kept struct {
	Reason, Detail string
	Event          int // index into catalog.Plan.Events; -1: the whole record
	Name           InputName
	Offset         int64
	Timestamp      int64
	Key, Value     []byte
}

// Contributions hands sink every committed subject's contribution as a change from nothing: a cube built from them equals
// the cube built from the events. Uncommitted changes are included.
func (s *Store) Contributions(sink Sink) error { return errUnbuilt }

// Range hands sink what each subject with a first exposure before to contributes by its events in [from, to), both at
// UTC day bounds, as changes from nothing.
func (s *Store) Range(from, to int64, sink Sink) error { return errUnbuilt }

// VerifyDigest compares all committed rows with the digest.
func (s *Store) VerifyDigest(ctx context.Context) error { return errUnbuilt }

// Verify walks all invariants: digest, every row decodes and encodes to the same bytes, the ledger balances and follows
// from the subjects. Each contribution goes to cells, with which the caller compares the cube's persisted cells.
func (s *Store) Verify(ctx context.Context, cells func(moment.Change)) error { return errUnbuilt }

// Inspect writes the store in a readable, deterministic form.
func (s *Store) Inspect(w io.Writer, subject []byte) error { return errUnbuilt }
