package decode

import (
	"math/rand"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/tidemark/tidemark/catalog/sql"
)

// Records that differ from one another in a few bytes are read by layouts as they are the plain way, and as encoding/json
// does.
func TestLayoutsReadAsThePlainWay(t *testing.T) {
	const seed, alphabet = 5, "{}[]\",:0195ae-+.\\x u\x1f\xc3"
	r := rand.New(rand.NewSource(seed))
	t.Logf("seed %d", seed)
	by, taken := 0, 0
	for range 800 {
		reader, plain := readerOf(fuzzPaths...), readerOf(fuzzPaths...)
		plain.plainOnly = true
		bases := []string{randomObject(r, 4), randomObject(r, 4), randomObject(r, 2)}
		for range 80 {
			text := []byte(bases[r.Intn(len(bases))])
			for range r.Intn(3) {
				at := r.Intn(len(text) + 1)
				switch c := alphabet[r.Intn(len(alphabet))]; r.Intn(3) {
				case 0:
					text = slices.Insert(text, at, c)
				case 1:
					text[min(at, len(text)-1)] = c
				default:
					if len(text) > 1 {
						text = slices.Delete(text, min(at, len(text)-1), min(at, len(text)-1)+1)
					}
				}
			}
			if !utf8.Valid(text) {
				continue
			}
			reader.text, reader.arena = text, reader.arena[:0]
			if reader.known.try(reader) {
				by++
			}
			ok := reader.read(text)
			if ok != plain.read(text) {
				t.Fatalf("%q: taken %v, the plain way %v", text, ok, !ok)
			}
			if !ok {
				if reader.problem != plain.problem || reader.problemAt != plain.problemAt {
					t.Fatalf("%q: %s, the plain way %s", text, reader.describe(), plain.describe())
				}
				continue
			}
			taken++
			if !slices.EqualFunc(reader.slots, plain.slots, func(a, b sql.Raw) bool { return a.Kind == b.Kind && string(a.Text) == string(b.Text) }) {
				t.Fatalf("%q: %q, the plain way %q", text, reader.slots, plain.slots)
			}
			compareWithOracle(t, reader, fuzzPaths, text)
		}
	}
	t.Logf("%d of %d records were read by a layout", by, taken)
	if 3*by < taken {
		t.Errorf("only %d of %d records were read by a layout: this compares nothing", by, taken)
	}
}

// A topic whose records are never alike, or always have escapes, is not learnt from again and again.
func TestLayoutsLoseTheirPatience(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	reader := readerOf("a")
	learnt := 0
	for range 200_000 {
		before := reader.known.misses
		reader.read([]byte(randomObject(r, 3))) // some have half a surrogate pair
		if reader.known.misses < before {
			learnt++
		}
	}
	if learnt > 100 {
		t.Errorf("%d of 200,000 records were learnt from", learnt)
	}
}
