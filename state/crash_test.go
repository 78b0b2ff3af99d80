package state

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

var (
	crashes = flag.Int("crashes", 100, "crash clones that TestStoreSurvivesCrashes verifies")
	flips   = flag.Int("flips", 150, "bit flips that TestStoreDetectsDamage tries")
)

// crasher clones the file system at one of the writes to it, as a crash of the machine there would leave it.
type crasher struct {
	mem   *vfs.MemFS
	after atomic.Int64 // writes until the crash
	// durable is the position that Durable has vouched for.
	durable atomic.Int64

	mu      sync.Mutex
	rng     *rand.Rand
	clone   *vfs.MemFS
	vouched int64
}

func (c *crasher) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && c.after.Add(-1) == 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.vouched = c.durable.Load()
		c.clone = c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.rng.IntN(101), RNG: c.rng})
	}
	return nil
}

func (c *crasher) String() string { return "crasher" }

func (c *crasher) crashed() *vfs.MemFS {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clone
}

// newCrasher puts the crash among the next writes to mem. It draws from a source of its own, as Pebble's goroutines use it.
func newCrasher(mem *vfs.MemFS, rng *rand.Rand, durable int64) *crasher {
	c := &crasher{mem: mem, rng: rand.New(rand.NewPCG(rng.Uint64(), 1))}
	c.after.Store(1 + rng.Int64N(60))
	c.durable.Store(durable)
	return c
}

func TestStoreSurvivesCrashes(t *testing.T) {
	total := 0
	for seed := uint64(1); total < *crashes; seed++ {
		n, err := crashRun(seed, min(10, *crashes-total))
		if err != nil {
			t.Fatalf("seed %d, crash %d: %v", seed, n, err)
		}
		total += n
	}
	t.Logf("%d crash clones verified", total)
}

// crashRun runs one workload through some crashes: after each, the store must be what it was at some commit that is not
// before the last durable one, and go on from there to the same numbers.
func crashRun(seed uint64, crashes int) (n int, err error) {
	s := newStoreRun(seed, seed%5 == 0)
	s.opt.WAL = seed%7 == 0
	rng, freezes := rand.New(rand.NewPCG(seed, 99)), rand.New(rand.NewPCG(seed, 23))
	mem := vfs.NewCrashableMem()
	durable := int64(0)
	for ; n < crashes; n++ {
		c := newCrasher(mem, rng, durable)
		s.opt.FS = errorfs.Wrap(mem, c)
		if err := s.open(); err != nil {
			return n, fmt.Errorf("open: %w", err)
		}
		if err := s.check(); err != nil {
			return n, fmt.Errorf("after opening at batch %d: %w", s.next, err)
		}
		var beside chan error // of what is made durable while batches are applied
		await := func() (err error) {
			if beside != nil {
				err, beside = <-beside, nil
			}
			return err
		}
		for c.crashed() == nil {
			if s.next == len(s.log) {
				s.extend(1 + s.w.r.IntN(6))
			}
			if err := s.step(); err != nil {
				return n, err
			}
			if freezes.IntN(10) == 0 {
				if err := s.freeze(freezes); err != nil {
					return n, err
				}
			}
			if rng.IntN(2) == 0 {
				if err := s.store.Commit(s.cube.persist); err != nil {
					return n, err
				}
				if rng.IntN(2) == 0 {
					at := int64(s.next)
					if err := await(); err != nil {
						return n, err
					}
					wait, err := s.store.BeginDurable()
					if err != nil {
						return n, err
					}
					beside = make(chan error, 1)
					ended := beside
					go func() {
						err := wait()
						if err == nil {
							c.durable.Store(at)
						}
						ended <- err
					}()
					if freezes.IntN(2) == 0 {
						if err := await(); err != nil {
							return n, err
						}
					}
				}
			}
		}
		if err := errors.Join(await(), s.store.Close()); err != nil {
			return n, err
		}
		applied := s.next
		mem = c.crashed()
		s.opt.FS = mem
		if err := s.open(); err != nil {
			return n, fmt.Errorf("open after the crash: %w", err)
		}
		if int64(s.next) < c.vouched || s.next > applied {
			return n, fmt.Errorf("back at batch %d, want %d to %d", s.next, c.vouched, applied)
		}
		if err := s.check(); err != nil {
			return n, fmt.Errorf("after the crash, at batch %d: %w", s.next, err)
		}
		if err := s.store.Verify(context.Background(), nil); err != nil {
			return n, fmt.Errorf("after the crash: %w", err)
		}
		durable = c.vouched
		if err := s.store.Close(); err != nil {
			return n, err
		}
		// Keep the oracle quick: a log that has become long starts anew.
		if len(s.log) > 60 {
			return n + 1, nil
		}
	}
	return n, nil
}

// Every write of Open itself is a place to crash at: Pebble changes its MANIFEST there.
func TestOpenSurvivesACrashAtAnyWrite(t *testing.T) {
	s := newStoreRun(3, false)
	mem := vfs.NewCrashableMem()
	s.opt.FS = mem
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	s.extend(5)
	if err := errors.Join(s.step(), s.store.Commit(s.cube.persist), s.store.Durable(), s.store.Close()); err != nil {
		t.Fatal(err)
	}
	before := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	for at, crashed := int64(1), true; crashed; at++ {
		crashed = false
		for seed := range uint64(12) {
			rng := rand.New(rand.NewPCG(seed, uint64(at)))
			c := newCrasher(before.CrashClone(vfs.CrashCloneCfg{}), rng, 0)
			c.after.Store(at)
			s.opt.FS = errorfs.Wrap(c.mem, c)
			if err := s.open(); err != nil {
				t.Fatal(err)
			}
			s.store.Close()
			if c.crashed() == nil {
				continue
			}
			crashed = true
			s.opt.FS = c.crashed()
			if err := s.open(); err != nil {
				t.Fatalf("crash at write %d of Open, seed %d: %v", at, seed, err)
			}
			if err := s.check(); err != nil || s.next != 1 {
				t.Fatalf("crash at write %d of Open, seed %d: at batch %d: %v", at, seed, s.next, err)
			}
			s.store.Close()
		}
	}
}

func (s *storeRun) dump() (string, error) {
	var b strings.Builder
	err := s.store.scan(context.Background(), nil, nil, func(key, value []byte) error {
		fmt.Fprintf(&b, "%x %x\n", key, value)
		return nil
	})
	return b.String(), err
}

func TestStoreDetectsDamage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	detected, harmless := 0, 0
	for n := 0; n < *flips; {
		seed := uint64(n) + 1
		s := newStoreRun(seed, n%3 == 0)
		mem := vfs.NewCrashableMem()
		s.opt.FS = mem
		if err := s.open(); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			for range 4 {
				s.extend(8)
				if err := s.step(); err != nil {
					t.Fatal(err)
				}
				if err := s.store.Commit(s.cube.persist); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.store.Durable(); err != nil {
				t.Fatal(err)
			}
		}
		whole, err := s.dump()
		if err != nil {
			t.Fatal(err)
		}
		image := mem.CrashClone(vfs.CrashCloneCfg{})
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
		for range 50 {
			n++
			found, err := s.flip(image, rng, whole)
			if err != nil {
				t.Fatalf("seed %d, flip %d: %v", seed, n, err)
			}
			if found {
				detected++
			} else {
				harmless++
			}
		}
	}
	t.Logf("%d flips detected, %d harmless", detected, harmless)
}

// flip flips one bit of one file in a copy of image and opens it: that must fail, or show the same rows.
func (s *storeRun) flip(image *vfs.MemFS, rng *rand.Rand, whole string) (detected bool, err error) {
	fs, err := copyFS(image)
	if err != nil {
		return false, err
	}
	names, err := fs.List("shard")
	if err != nil {
		return false, err
	}
	sort.Strings(names)
	name, bytes := "", []byte(nil)
	for len(bytes) == 0 {
		name = fs.PathJoin("shard", names[rng.IntN(len(names))])
		if bytes, err = readFile(fs, name); err != nil {
			return false, err
		}
	}
	bit := rng.IntN(8 * len(bytes))
	bytes[bit/8] ^= 1 << (bit % 8)
	if err := writeFile(fs, name, bytes); err != nil {
		return false, err
	}
	where := func(err error) error { return fmt.Errorf("bit %d of %s: %w", bit, name, err) }
	s.opt.FS = fs
	store, err := s.openQuietly()
	if err != nil {
		return true, nil
	}
	defer store.Close()
	s.store = store
	rows, err := s.dump()
	if err != nil {
		return true, nil
	}
	if rows != whole {
		return false, where(errors.New("opened, and shows other rows"))
	}
	return false, nil
}

// openQuietly opens the store; a panic of Pebble's on damaged bytes is a way to detect them.
func (s *storeRun) openQuietly() (store *Store, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return Open("shard", s.w.plan, s.opt)
}

func readFile(fs vfs.FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func writeFile(fs vfs.FS, name string, b []byte) error {
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func copyFS(from *vfs.MemFS) (*vfs.MemFS, error) {
	to := vfs.NewMem()
	if err := to.MkdirAll("shard", 0o755); err != nil {
		return nil, err
	}
	names, err := from.List("shard")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		name = from.PathJoin("shard", name)
		b, err := readFile(from, name)
		if err != nil {
			return nil, err
		}
		if err := writeFile(to, name, b); err != nil {
			return nil, err
		}
	}
	return to, nil
}
