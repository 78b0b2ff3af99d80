package cube

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// The bytes of FORMAT.md. Nothing here ever changes; a new layout gets a new version.
const (
	keyPrefix = 'c'
	// Kinds of keys, the byte after the prefix.
	kindGrid = 0 // what an experiment's grid has given up
	kindCell = 1
	kindPool = 2 // the totals of a winsorized metric
	// Versions, the first byte of each value. Append-only:
	//	1: the first
	//	2: cells of experiments with metrics that have bins, whose sums are followed by these
	version     = 1
	versionBins = 2
	// Versions of what a grid has given up:
	//	1: the first
	//	2: followed by the instants that part the epochs
	versionCuts = 2
)

// ErrFormat marks bytes that are not cells: damaged, or written by another version or for another plan.
var ErrFormat = errors.New("not cube cells")

// Persist hands over every row that changed since the last Persist, in the order of the keys of each experiment: set
// is called with the value that the row had and the one that it has now, nil where it is absent. The slices are valid
// during the call. After an error the Cube must not be used any more.
func (c *Cube) Persist(set func(key, old, new []byte) error) error {
	for i, g := range c.grids {
		if err := g.persist(i, &c.encode, set); err != nil {
			return fmt.Errorf("cube: persist experiment %s: %w", g.x.ID, err)
		}
	}
	return nil
}

func (g *grid) persist(experiment int, scratch *[]byte, set func(key, old, new []byte) error) error {
	g.bound()
	if g.flagsDirty {
		if err := g.persistFlags(experiment, set); err != nil {
			return err
		}
	}
	var key []byte
	places := g.stalePlaces()
	for _, p := range places {
		key = g.appendKey(key[:0], experiment, &p)
		if err := set(key, g.stale[p], nil); err != nil {
			return err
		}
	}
	g.stale = nil
	slices.SortFunc(g.dirty, func(a, b int32) int { return comparePlaces(&g.slots[a].place, &g.slots[b].place) })
	for _, i := range g.dirty {
		s := &g.slots[i]
		s.dirty = false
		if s.cell == nil {
			continue // freed: it was never written
		}
		key = g.appendKey(key[:0], experiment, &s.place)
		if s.live == 0 {
			if s.saved != nil {
				if err := set(key, s.saved, nil); err != nil {
					return err
				}
			}
			g.remove(i)
			continue
		}
		b, err := appendCell((*scratch)[:0], s.cell)
		if err != nil {
			return err
		}
		*scratch = b
		if slices.Equal(b, s.saved) {
			continue
		}
		if err := set(key, s.saved, b); err != nil {
			return err
		}
		s.saved = append(s.saved[:0], b...)
	}
	g.dirty = g.dirty[:0]
	return g.persistPools(experiment, set)
}

func (g *grid) stalePlaces() []place {
	places := make([]place, 0, len(g.stale))
	for p := range g.stale {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int { return comparePlaces(&a, &b) })
	return places
}

// comparePlaces orders places as their keys are ordered.
func comparePlaces(a, b *place) int {
	if a.variant != b.variant {
		return int(a.variant) - int(b.variant)
	}
	return slices.Compare(a.slice[:], b.slice[:])
}

func (g *grid) persistFlags(experiment int, set func(key, old, new []byte) error) error {
	value := g.flags()
	if err := set(flagsKey(experiment), g.savedFlags, value); err != nil {
		return err
	}
	g.savedFlags, g.flagsDirty = value, false
	return nil
}

func flagsKey(experiment int) []byte {
	return binary.BigEndian.AppendUint16([]byte{keyPrefix, kindGrid}, uint16(experiment))
}

func (g *grid) appendKey(b []byte, experiment int, p *place) []byte {
	b = append(b, keyPrefix, kindCell)
	b = binary.BigEndian.AppendUint16(b, uint16(experiment))
	b = binary.BigEndian.AppendUint16(b, uint16(p.variant))
	for d := range g.x.Dimensions {
		b = binary.BigEndian.AppendUint32(b, p.slice[d])
	}
	return b
}

// version is that of a cell's value.
func (c *Cell) version() byte {
	if c.bins != nil {
		return versionBins
	}
	return version
}

// beside are the bins of the metric whose sums are at i; nil for any other.
func (c *Cell) beside(i int) *sketch.Bins {
	if i == 0 || i > len(c.bins) {
		return nil
	}
	return c.bins[i-1]
}

// appendCell appends a cell's value: the sums of each metric that has subjects, after their number (0: exposed).
func appendCell(b []byte, c *Cell) ([]byte, error) {
	b = append(b, c.version())
	var err error
	for i := range c.sums {
		if empty(&c.sums[i]) {
			continue
		}
		b = binary.AppendUvarint(b, uint64(i))
		if b, err = c.sums[i].AppendBinary(b); err != nil {
			return nil, err
		}
		if q := c.beside(i); q != nil {
			if b, err = q.AppendBinary(b); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// decodeCell reads what appendCell wrote of a cell with so many epochs beside the first; its sums are of these.
func decodeCell(value []byte, x *catalog.PlanExperiment, epochs int) (*Cell, error) {
	c, metrics := newCell(x, nil), len(x.Metrics)+epochs
	c.sums = make([]moment.Sums, metrics+1)
	if len(value) == 0 || value[0] != c.version() {
		return nil, fmt.Errorf("version %d, must be %d: %w", first(value), c.version(), ErrFormat)
	}
	last := -1
	for b := value[1:]; len(b) > 0; {
		i, n := binary.Uvarint(b)
		if n <= 0 || n > 1 && b[n-1] == 0 || i > uint64(metrics) || int(i) <= last {
			return nil, fmt.Errorf("bad metric number: %w", ErrFormat)
		}
		last = int(i)
		s, rest, err := moment.Decode(b[n:])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if empty(&s) {
			return nil, fmt.Errorf("sums of no subjects: %w", ErrFormat)
		}
		if err := s.Check(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if q := c.beside(int(i)); q != nil {
			read, after, err := decodeBins(&x.Metrics[i-1], rest)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrFormat, err)
			}
			*q, rest = *read, after
		}
		c.sums[i], b = s, rest
	}
	if last < 0 {
		return nil, fmt.Errorf("a cell without sums: %w", ErrFormat)
	}
	return c, nil
}

func first(b []byte) int {
	if len(b) == 0 {
		return -1
	}
	return int(b[0])
}

// Load reads the rows that Persist wrote into c, which must be new. Rows that are not what Persist writes are ErrFormat.
func (c *Cube) Load(r pebble.Reader) error {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: []byte{keyPrefix}, UpperBound: []byte{keyPrefix + 1}})
	if err != nil {
		return fmt.Errorf("cube: load: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if err := c.LoadRow(it.Key(), it.Value()); err != nil {
			return errors.Join(fmt.Errorf("cube: load row %x: %w", it.Key(), err), it.Close())
		}
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("cube: load: %w", err)
	}
	for _, g := range c.grids {
		g.findRecut()
	}
	return nil
}

// LoadRow adds one row that Persist wrote; rows come in the order of their keys. The slices are not kept.
func (c *Cube) LoadRow(key, value []byte) error {
	if len(key) < 4 || key[0] != keyPrefix {
		return fmt.Errorf("key: %w", ErrFormat)
	}
	experiment := int(binary.BigEndian.Uint16(key[2:]))
	if experiment >= len(c.grids) {
		return fmt.Errorf("experiment %d of %d: %w", experiment, len(c.grids), ErrFormat)
	}
	g := c.grids[experiment]
	switch key[1] {
	case kindGrid:
		return g.loadFlags(value)
	case kindCell:
		return g.loadCell(key[4:], value)
	case kindPool:
		return g.loadPool(key[4:], value)
	}
	return fmt.Errorf("kind %d of key: %w", key[1], ErrFormat)
}

func (g *grid) loadFlags(value []byte) error {
	if len(value) < 3 || value[0] != version && value[0] != versionCuts || uint(value[1])&^(g.subject|g.event) != 0 || value[2] > 1 {
		return fmt.Errorf("flags %x: %w", value, ErrFormat)
	}
	cuts, ok := decodeCuts(value[3:])
	if !ok || (len(cuts) > 0) != (value[0] == versionCuts) {
		return fmt.Errorf("cuts %x: %w", value, ErrFormat)
	}
	g.collapsed, g.uncrossed, g.savedFlags, g.cuts = uint(value[1]), value[2] == 1, slices.Clone(value), cuts
	g.flagsDirty = !slices.Equal(g.flags(), value)
	return nil
}

func (g *grid) loadCell(key, value []byte) error {
	if len(key) != 2+4*len(g.x.Dimensions) {
		return fmt.Errorf("key of %d dimensions: %w", len(g.x.Dimensions), ErrFormat)
	}
	p := place{variant: int32(binary.BigEndian.Uint16(key))}
	if int(p.variant) >= len(g.x.Variants) {
		return fmt.Errorf("variant %d of %d: %w", p.variant, len(g.x.Variants), ErrFormat)
	}
	for d := range g.x.Dimensions {
		p.slice[d] = binary.BigEndian.Uint32(key[2+4*d:])
	}
	cell, err := decodeCell(value, g.x, len(g.cuts))
	if err != nil {
		return err
	}
	if _, ok := g.at[p]; ok {
		return fmt.Errorf("two rows of one cell: %w", ErrFormat)
	}
	g.latest = nil
	i := g.add(p)
	g.slots[i].cell = cell
	g.slots[i].saved = slices.Clone(value)
	g.refit(i)
	for m := range cell.sums {
		if !empty(&cell.sums[m]) {
			g.born(i)
		}
	}
	return nil
}

// PersistTo is Persist into a batch, for a writer that keeps no digest of the cells.
func (c *Cube) PersistTo(b *pebble.Batch) error {
	return c.Persist(func(key, _, value []byte) error {
		if value == nil {
			return b.Delete(key, nil)
		}
		return b.Set(key, value, nil)
	})
}
