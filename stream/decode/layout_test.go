package decode

import (
	"bytes"
	"math/rand"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/catalog/sql"
)

// Records that differ from one another in a few bytes are read by layouts as they are the plain way, and as encoding/json
// does.
func TestLayoutsReadAsThePlainWay(t *testing.T) {
	const seed, alphabet = 5, "{}[]\",:0195ae-+.\\x u\x1f\xc3"
	r := rand.New(rand.NewSource(seed))
	t.Logf("seed %d", seed)
	by, taken, broken := 0, 0, 0
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
				if broken++; reader.quick(text) {
					t.Fatalf("%q: a layout takes what is not UTF-8", text)
				}
				continue
			}
			if reader.quick(text) {
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
	t.Logf("%d of %d records were read by a layout; %d were not UTF-8", by, taken, broken)
	if 3*by < taken || broken < 1000 {
		t.Errorf("only %d of %d records were read by a layout, and %d not UTF-8: this compares nothing", by, taken, broken)
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

// What is skipped as a whole number is what the plain way reads as one number; it may always leave it to that.
func TestIntegersAreNumbers(t *testing.T) {
	const seed = 7
	r := rand.New(rand.NewSource(seed))
	t.Logf("seed %d", seed)
	found := 0
	for range 300_000 {
		text := []byte{'x', 'x', 'x'}
		for range r.Intn(24) {
			text = append(text, '0'+byte(r.Intn(10)))
		}
		const after = ",}] .eE-+/:;0\x00\x1f\xb0\xb5\xb9\xba\xff\x70\x7f"
		for range r.Intn(14) {
			text = append(text, after[r.Intn(len(after))])
		}
		end := integer(text, 3)
		if end < 0 {
			continue
		}
		found++
		plain := &jsonReader{text: text, at: 3}
		if !plain.number() || plain.at != end {
			t.Fatalf("%q: digits up to %d, the plain way up to %d (%s)", text, end, plain.at, plain.problem)
		}
	}
	if found < 50_000 {
		t.Errorf("only %d whole numbers were found: this compares nothing", found)
	}
}

// A record that only its bytes tell from those before is refused for its encoding, not for its JSON.
func TestLayoutsKeepTheReason(t *testing.T) {
	plan := catalogtest.Plan(t, shopDefinitions)
	d, err := New(plan, 0, words{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out Outcome
	for _, rec := range shopRecords(100, 1) {
		if d.Decode(rec, &out); out.Reason != "" {
			t.Fatal(out.Reason, out.Detail)
		}
	}
	rec := shopRecords(1, 1)[0]
	if !d.json.quick(rec.Value) {
		t.Fatal("no layout was learnt")
	}
	for _, test := range []struct{ agent, reason string }{
		{"Mozilla/5.0 \xff (compatible; shop)", sql.WrongEncoding}, {"Mozilla \xc3", sql.WrongEncoding}, {"\xed\xa0\x80", sql.WrongEncoding}, {"Mozilla\x01", sql.Malformed},
		{"Mozilla é 日本語", ""}, {`\"`, ""}, {`\x`, sql.Malformed}, {`\ud800`, sql.Malformed}, {"", ""},
	} {
		at := bytes.Index(rec.Value, []byte("Mozilla"))
		end := at + bytes.IndexByte(rec.Value[at:], '"')
		other := rec
		other.Value = slices.Concat(rec.Value[:at], []byte(test.agent), rec.Value[end:])
		if d.Decode(other, &out); out.Reason != test.reason {
			t.Errorf("agent %q: %q (%s), want %q", test.agent, out.Reason, out.Detail, test.reason)
		}
	}
}
