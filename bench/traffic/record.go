package traffic

import (
	"fmt"
	"strconv"
)

// Dimensions are the names of the subjects' properties that a log of that many has, in the order of Profile.
func Dimensions(n int) []string {
	out := []string{"platform", "country", "plan"}
	for i := 4; i <= n; i++ {
		out = append(out, "d"+strconv.Itoa(i))
	}
	return out[:n]
}

var (
	platforms = []string{"ios", "android", "web"}
	plans     = []string{"free", "plus", "pro"}
	codes     = []string{"US", "IN", "BR", "DE", "GB", "FR", "JP", "KR", "MX", "ID", "TR", "IT", "ES", "CA", "PL", "NL", "SE", "AU", "VN", "ZA"}
	variants  = []string{"control", "treatment"}
)

// Variants are the experiment's, control first.
func Variants() []string { return variants }

// extra is how many values d4 … d8 have.
const extra = 5

// Profile draws what a subject is: an index into Values for each dimension. It is a function of the subject alone.
func (s Shape) Profile(subject uint32, into []uint32) []uint32 {
	into = into[:0]
	h := mix(uint64(subject) ^ 0xa5a5a5a5a5)
	into = append(into, uint32(h&0xffff)*3>>16)
	// A few countries are large and most small: the index is proportional to the square of a uniform number.
	u := h >> 16 & 0xffffff
	into = append(into, uint32(u*u>>24*uint64(s.Countries)>>24))
	plan := uint32(0)
	switch p := h >> 40 & 0xff; {
	case p < 26:
		plan = 2
	case p < 102:
		plan = 1
	}
	into = append(into, plan)
	for i := 3; i < s.Dimensions; i++ {
		into = append(into, uint32(mix(h+uint64(i))%extra))
	}
	return into
}

// Value is the text of a value of a dimension.
func (s Shape) Value(dimension int, value uint32) string {
	switch dimension {
	case 0:
		return platforms[value]
	case 1:
		if s.Countries <= len(codes) {
			return codes[value]
		}
		return fmt.Sprintf("c%05d", value)
	case 2:
		return plans[value]
	}
	return "v" + strconv.Itoa(int(value))
}

// AppendKey appends the subject's id, the key of its records.
func AppendKey(dst []byte, subject uint32) []byte {
	return appendDigits(append(dst, 'u'), uint64(subject), 11)
}

// appendDigits appends x in at least width digits.
func appendDigits(dst []byte, x uint64, width int) []byte {
	var buf [20]byte
	i := len(buf)
	for x > 0 || width > 0 {
		i--
		buf[i] = byte('0' + x%10)
		x /= 10
		width--
	}
	return append(dst, buf[i:]...)
}

// Writer renders events as records. It keeps buffers, so one goroutine uses it.
type Writer struct {
	shape   Shape
	profile []uint32
	// values are the texts of the dimensions by index.
	values [][]string
	pad    []byte
}

// NewWriter for logs of the shape.
func NewWriter(shape Shape) *Writer {
	w := &Writer{shape: shape}
	for d := range shape.Dimensions {
		n := map[int]int{0: len(platforms), 1: shape.Countries, 2: len(plans)}[d]
		if d > 2 {
			n = extra
		}
		var texts []string
		for v := range n {
			texts = append(texts, shape.Value(d, uint32(v)))
		}
		w.values = append(w.values, texts)
	}
	const agent = "Mozilla/5.0 (compatible; shop/7.41; build 20260105) "
	for len(w.pad) < max(shape.Bytes, 64) {
		w.pad = append(w.pad, agent...)
	}
	return w
}

// Append appends the record's value.
func (w *Writer) Append(dst []byte, e Event) []byte {
	w.profile = w.shape.Profile(e.Subject, w.profile)
	begin := len(dst)
	dst = append(dst, `{"id":"e`...)
	dst = appendDigits(dst, uint64(e.ID), 14)
	dst = append(dst, `","ts":`...)
	dst = appendDigits(dst, uint64(e.Time), 1)
	dst = append(dst, `,"type":"`...)
	dst = append(dst, typeNames[e.Type]...)
	dst = append(dst, `","user":{"id":"`...)
	dst = AppendKey(dst, e.Subject)
	dst = append(dst, `","plan":"`...)
	dst = append(dst, w.values[2][w.profile[2]]...)
	dst = append(dst, `"},"device":{"platform":"`...)
	dst = append(dst, w.values[0][w.profile[0]]...)
	dst = append(dst, `","country":"`...)
	dst = append(dst, w.values[1][w.profile[1]]...)
	for d := 3; d < len(w.profile); d++ {
		dst = append(dst, `","d`...)
		dst = append(dst, byte('1'+d), '"', ':', '"')
		dst = append(dst, w.values[d][w.profile[d]]...)
	}
	dst = append(dst, `","agent":"`...)
	at := len(dst)
	var tail [80]byte
	end := append(tail[:0], `"},"experiment":{"id":"ranking","variant":"`...)
	end = append(end, variants[e.Variant]...)
	end = append(end, `"},"cents":`...)
	end = append(strconv.AppendInt(end, int64(e.Cents), 10), '}')
	if missing := w.shape.Bytes - (at - begin) - len(end); missing > 0 {
		dst = append(dst, w.pad[:missing]...)
	}
	return append(dst, end...)
}

// Partition is where Kafka's own clients put a key: the sign-cleared murmur2 modulo n. Source: Austin Appleby's MurmurHash2
// with the seed of org.apache.kafka.common.utils.Utils.
func Partition(key []byte, n int32) int32 {
	const m = 0x5bd1e995
	h := uint32(0x9747b28c) ^ uint32(len(key))
	whole := len(key) &^ 3
	for i := 0; i < whole; i += 4 {
		k := (uint32(key[i]) | uint32(key[i+1])<<8 | uint32(key[i+2])<<16 | uint32(key[i+3])<<24) * m
		h = h*m ^ (k^k>>24)*m
	}
	for i := len(key) - 1; i >= whole; i-- {
		h ^= uint32(key[i]) << (8 * (i - whole))
		if i == whole {
			h *= m
		}
	}
	h = (h ^ h>>13) * m
	return int32((h^h>>15)&0x7fffffff) % n
}
