package cube

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// The bytes of the history (FORMAT.md). Everything in them is named by text, not by a place in a plan: a history
// outlives the definitions it was made under.

const (
	historyVersionKey = "v"
	kindHead          = 's'
	kindRow           = 'r'
)

// appendText appends a text so that it ends in itself and sorts as it does.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if b = append(b, text[i]); text[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return append(b, 0, 1)
}

// cutText reads what appendText wrote.
func cutText(b []byte) (text string, rest []byte, ok bool) {
	var out []byte
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 || i+1 >= len(b) {
			return "", nil, false
		}
		out = append(out, b[:i]...)
		switch b[i+1] {
		case 1:
			return string(out), b[i+2:], true
		case 0xff:
			out = append(out, 0)
			b = b[i+2:]
		default:
			return "", nil, false
		}
	}
}

// appendTime appends microseconds so that they sort, negative ones first.
func appendTime(b []byte, micros int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(micros)^1<<63)
}

func appendTimeDown(b []byte, micros int64) []byte {
	return binary.BigEndian.AppendUint64(b, ^(uint64(micros) ^ 1<<63))
}

func timeOf(b []byte) int64     { return int64(binary.BigEndian.Uint64(b) ^ 1<<63) }
func timeDownOf(b []byte) int64 { return int64(^binary.BigEndian.Uint64(b) ^ 1<<63) }

// prefix of all keys of one kind, experiment and grain.
func historyPrefix(kind byte, experiment string, g Grain) []byte {
	return append(appendText([]byte{kind}, experiment), byte(g))
}

// appendPlace appends what names a cell: variant and the dimensions it fixes.
func appendPlace(b []byte, x *catalog.PlanExperiment, k *Key) []byte {
	b = appendText(b, x.Variants[k.Variant].ID)
	b = append(b, byte(len(k.Values)))
	i := 0
	for d := range x.Dimensions {
		if k.Mask&(1<<d) != 0 {
			b = appendText(b, x.Dimensions[d].Name)
			b = appendText(b, k.Values[i])
			i++
		}
	}
	return b
}

// cutPlace reads what appendPlace wrote; known is false if x has no such variant or dimension any more.
func cutPlace(b []byte, x *catalog.PlanExperiment) (k *Key, known bool, err error) {
	variant, b, ok := cutText(b)
	if !ok || len(b) == 0 {
		return nil, false, fmt.Errorf("key without a variant: %w", ErrFormat)
	}
	n, b := int(b[0]), b[1:]
	k = &Key{Variant: slices.IndexFunc(x.Variants, func(v catalog.Variant) bool { return v.ID == variant })}
	known = k.Variant >= 0
	byDimension := map[int]string{}
	for range n {
		var name, value string
		if name, b, ok = cutText(b); ok {
			value, b, ok = cutText(b)
		}
		if !ok {
			return nil, false, fmt.Errorf("key without its values: %w", ErrFormat)
		}
		d := slices.IndexFunc(x.Dimensions, func(d catalog.PlanDimension) bool { return d.Name == name })
		if d < 0 {
			known = false
			continue
		}
		k.Mask |= 1 << d
		byDimension[d] = value
	}
	if len(b) != 0 {
		return nil, false, fmt.Errorf("key with more than its values: %w", ErrFormat)
	}
	for d := range x.Dimensions { // the order of the dimensions may be another now
		if v, ok := byDimension[d]; ok {
			k.Values = append(k.Values, v)
		}
	}
	return k, known, nil
}

// metricName names a metric's version: its id and the first 8 bytes of its definition's hash. The exposed subjects have
// no id; those of an epoch are named by the instant at which it begins.
func metricName(x *catalog.PlanExperiment, i int) (id string, hash [8]byte) {
	if i == 0 {
		return "", hash
	}
	if k := i - 1 - len(x.Metrics); k >= 0 {
		return "", [8]byte(appendTime(nil, x.Cuts[k]))
	}
	m := &x.Metrics[i-1]
	copy(hash[:], m.Hash[:])
	return m.Metric.ID, hash
}

// appendHistoryCell appends a cell's sums under their metrics' names, sorted by them.
func appendHistoryCell(b []byte, x *catalog.PlanExperiment, c *Cell, order []int) ([]byte, error) {
	b = append(b, version)
	var err error
	for _, i := range order {
		if empty(&c.sums[i]) {
			continue
		}
		id, hash := metricName(x, i)
		b = binary.AppendUvarint(b, uint64(len(id)))
		b = append(append(b, id...), hash[:]...)
		if b, err = c.sums[i].AppendBinary(b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// metricOrder lists the places of a cell's sums by their metrics' names.
func metricOrder(x *catalog.PlanExperiment) []int {
	order := make([]int, sumsOf(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		ida, ha := metricName(x, a)
		idb, hb := metricName(x, b)
		return cmp.Or(bytes.Compare([]byte(ida), []byte(idb)), bytes.Compare(ha[:], hb[:]))
	})
	return order
}

// decodeHistoryCell reads what appendHistoryCell wrote; metrics that x has not in that version are left out. A row
// without any sums, or with none that x knows, is nil.
func decodeHistoryCell(value []byte, x *catalog.PlanExperiment) (*Cell, error) {
	if len(value) == 0 || value[0] != version {
		return nil, fmt.Errorf("version %d, this program knows %d: %w", first(value), version, ErrFormat)
	}
	c := newCell(x, nil) // history has no bins
	for b := value[1:]; len(b) > 0; {
		size, n := binary.Uvarint(b)
		if n <= 0 || uint64(len(b)-n) < size || uint64(len(b)-n)-size < 8 {
			return nil, fmt.Errorf("metric name cut short: %w", ErrFormat)
		}
		id, hash := string(b[n:n+int(size)]), [8]byte(b[n+int(size):])
		s, rest, err := moment.Decode(b[n+int(size)+8:])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		b = rest
		for i := range c.sums {
			if xid, xhash := metricName(x, i); xid == id && xhash == hash {
				c.sums[i] = s
				break
			}
		}
	}
	if c.empty() {
		return nil, nil
	}
	return c, nil
}

// head is what is kept of a snapshot beside its cells.
type head struct {
	watermark  int64 // microseconds; at or after the snapshot's time
	definition string
	dimensions []string
	collapsed  uint // dimensions whose values were not told apart
	uncrossed  bool // only groupings of at most one dimension were there
}

func (h *head) append(b []byte) []byte {
	flags := byte(0)
	if h.uncrossed {
		flags = 1
	}
	b = append(b, version, flags, byte(h.collapsed))
	b = append(appendTime(b, h.watermark), byte(len(h.dimensions)))
	for _, d := range h.dimensions {
		b = appendText(b, d)
	}
	return appendText(b, h.definition)
}

func decodeHead(b []byte) (h head, err error) {
	if len(b) < 12 || b[0] != version || b[1] > 1 {
		return h, fmt.Errorf("head %x: %w", b, ErrFormat)
	}
	h.uncrossed, h.collapsed, h.watermark = b[1] == 1, uint(b[2]), timeOf(b[3:])
	n, b := int(b[11]), b[12:]
	for range n {
		name, rest, ok := cutText(b)
		if !ok {
			return h, fmt.Errorf("head without its dimensions: %w", ErrFormat)
		}
		h.dimensions, b = append(h.dimensions, name), rest
	}
	definition, rest, ok := cutText(b)
	if !ok || len(rest) != 0 {
		return h, fmt.Errorf("head without a definition: %w", ErrFormat)
	}
	h.definition = definition
	return h, nil
}
