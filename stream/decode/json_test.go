package decode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tidemark/tidemark/catalog/sql"
)

// readerOf makes a reader of the paths, in their order.
func readerOf(paths ...string) *jsonReader {
	root, next := &node{slot: -1}, 0
	for _, p := range paths {
		root.add(strings.Split(p, "."), &next)
	}
	return &jsonReader{root: root, slots: make([]sql.Raw, next)}
}

func TestJSONAccepts(t *testing.T) {
	r := readerOf("a", "b.c", "b", "d.e.f", "k")
	for _, test := range []struct{ text, want string }{
		{`{}`, "| | | | "},
		{` { "a" : 1 } ` + "\n\r\t", "1| | | | "},
		{`{"a":"x\ty","b":{"c":null,"z":[1,{"c":2}]},"d":{"e":{"f":-0.5e+10}}}`, "x\ty|null|{\"c\":null,\"z\":[1,{\"c\":2}]}|-0.5e+10| "},
		{`{"a":"\u00e9\ud83d\ude00\"\\\/\b\f\n\r","A":1,"k":true}`, "é😀\"\\/\b\f\n\r| | | |true"},
		{`{"b":{"c":"1"},"a":false,"d":{"e":5},"k":""}`, "false|1|{\"c\":\"1\"}| |"},
		{`{"\u0061":"escaped key","b":[[]],"z":{"a":2,"c":{"a":3}}}`, "escaped key| |[[]]| | "},
		{`{"a":"日本語","k":0}`, "日本語| | | |0"},
		{`{"a":123456789012345678901234567890.5,"b":{"c":{}}}`, "123456789012345678901234567890.5|{}|{\"c\":{}}| | "},
		{`{"x":{"a":1},"y":{"a":2},"a":[{"a":1},{"a":1}]}`, `[{"a":1},{"a":1}]| | | | `},
		{`{"a":"","":1,"\u0000":2}`, "| | | | "},
	} {
		if !r.read([]byte(test.text)) {
			t.Errorf("%s: %s", test.text, r.describe())
			continue
		}
		var got []string
		for _, s := range r.slots {
			if s.Kind == sql.Missing {
				got = append(got, " ")
				continue
			}
			got = append(got, string(s.Text))
		}
		got[0] = strings.TrimPrefix(got[0], " ") // a missing a is shown as nothing
		if s := strings.Join(got, "|"); s != test.want {
			t.Errorf("%s: %q, want %q", test.text, s, test.want)
		}
	}
}

func TestJSONRefuses(t *testing.T) {
	r := readerOf("a", "b.c")
	deep := func(n int) string {
		return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	for _, text := range []string{deep(32), strings.Repeat(`{"x":`, 32) + "1" + strings.Repeat("}", 32)} {
		if !r.read([]byte(text)) {
			t.Errorf("32 deep: %s", r.describe())
		}
	}
	for _, text := range []string{
		"", " ", "null", "1", `"a"`, "[]", `[{"a":1}]`, "{", "}", `{"a"}`, `{"a":}`, `{"a":1,}`, `{,"a":1}`, `{"a":1 "b":2}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{"a":1}}`, `{"a":1} x`, `{"a":1}{"a":2}`, `{"a":1},`,
		`{"a":01}`, `{"a":-}`, `{"a":+1}`, `{"a":.5}`, `{"a":5.}`, `{"a":1e}`, `{"a":1e+}`, `{"a":0x10}`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":-Infinity}`, `{"a":1_000}`, `{"a":1.2.3}`, `{"a":--1}`, `{"a":00}`, `{"a":1.e5}`,
		`{"a":tru}`, `{"a":True}`, `{"a":nul}`, `{"a":nulll}`, `{"a":undefined}`,
		`{"a":"x}`, `{"a":"x\"}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\ud800"}`, `{"a":"\udc00"}`, `{"a":"\ud800\u0041"}`, `{"a":"\ud800\ud800"}`, "{\"a\":\"x\ny\"}", "{\"a\":\"\x00\"}", "{\"a\":\"\x1f\"}",
		"{\"a\":1\x00}", "{\"a\":\v1}", "{\"a\":\u00a01}", "{\"a\":1}\x00", "{\"a\t\":1}", `{"a":[1,]}`, `{"a":[1 2]}`, `{"a":[,1]}`, `{"a":[1}`, `{"a":{]}`, `{"a":[1`, `{"a":{"b":1`, `{"a":1/*x*/}`, `{"a":1}//x`,
		strings.Repeat(`{"x":`, 33) + "1" + strings.Repeat("}", 33), `{"a":1,"a":1}`, `{"a":1,"\u0061":2}`, `{"z":{"y":1,"y":2}}`, `{"a":[{"y":1,"y":2}]}`, `{"":1,"":2}`, deep(33), `{"b":{"c":1,"d":{},"c":1}}`,
	} {
		if r.read([]byte(text)) {
			t.Errorf("%q is taken", text)
		} else if d := r.describe(); r.problem == "" || r.problemAt > len(text) || !strings.Contains(d, "byte") {
			t.Errorf("%q is refused without saying why: %s", text, d)
		}
	}
}

// TestJSONManyKeys: duplicates are found among any number of keys, at any depth, in time that grows with the length.
func TestJSONManyKeys(t *testing.T) {
	r := readerOf("k77", "in.k5")
	const seed = 11
	rng := rand.New(rand.NewSource(seed))
	for _, n := range []int{1, 31, 32, 33, 64, 65, 1000, 60_000} {
		object := func(twice int) string {
			var b strings.Builder
			b.WriteByte('{')
			for i := range n {
				fmt.Fprintf(&b, `"k%d":%d,`, i, i)
			}
			fmt.Fprintf(&b, `"k%d":0}`, twice)
			return b.String()
		}
		if !r.read([]byte(object(n))) || !r.read([]byte(`{"in":`+object(n)+`,"k":`+object(n)+`}`)) {
			t.Errorf("%d keys: %s", n, r.describe())
		}
		twice := rng.Intn(n)
		if r.read([]byte(object(twice))) || r.read([]byte(`{"a":[`+object(n)+`,`+object(twice)+`]}`)) {
			t.Errorf("seed %d: %d keys with k%d twice are taken", seed, n, twice)
		}
	}
}

// oracle reads text by encoding/json, held to the rules of encoding/json/v2: no key twice, no half surrogate pair, UTF-8.
func oracle(text []byte) (map[string]any, bool) {
	if !utf8.Valid(text) || halfSurrogate(text) || !json.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, ok := oracleValue(d, 0)
	object, isObject := v.(map[string]any)
	return object, ok && isObject
}

func oracleValue(d *json.Decoder, depth int) (any, bool) {
	token, err := d.Token()
	if err != nil {
		return nil, false
	}
	switch token {
	case json.Delim('{'):
		m := make(map[string]any)
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, false
			}
			if _, twice := m[key.(string)]; twice {
				return nil, false
			}
			v, ok := oracleValue(d, depth+1)
			if !ok {
				return nil, false
			}
			m[key.(string)] = v
		}
		_, err := d.Token()
		return m, err == nil && depth < maxDepth
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, ok := oracleValue(d, depth+1)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err == nil && depth < maxDepth
	}
	return token, true
}

var escapes = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)

func halfSurrogate(text []byte) bool {
	high := -1 // end of an escape that needs a second half
	for _, m := range escapes.FindAllIndex(text, -1) {
		var r rune = -1
		if text[m[0]+1] == 'u' && m[1]-m[0] == 6 {
			fmt.Sscanf(string(text[m[0]+2:m[1]]), "%x", &r)
		}
		low := r >= 0xDC00 && r <= 0xDFFF
		if low != (high == m[0]) || high >= 0 && !low {
			return true
		}
		high = -1
		if r >= 0xD800 && r < 0xDC00 {
			high = m[1]
		}
	}
	return high >= 0
}

// compareWithOracle checks that both take the text or both refuse it, and that the paths have the same values.
func compareWithOracle(t *testing.T, r *jsonReader, paths []string, text []byte) {
	t.Helper()
	ours := utf8.Valid(text) && r.read(text)
	want, ok := oracle(text)
	if ours != ok {
		t.Fatalf("%q: taken %v (%s), by encoding/json %v", text, ours, r.problem, ok)
	}
	if !ours {
		return
	}
	for i, path := range paths {
		var v any = want
		there := true
		for _, step := range strings.Split(path, ".") {
			m, isObject := v.(map[string]any)
			if v, there = m[step]; !isObject || !there {
				there = false
				break
			}
		}
		if got := r.slots[i]; !sameValue(got, v, there) {
			t.Fatalf("%q: %s is %d %q, by encoding/json %v", text, path, got.Kind, got.Text, v)
		}
	}
}

func sameValue(got sql.Raw, v any, there bool) bool {
	if !there {
		return got.Kind == sql.Missing
	}
	switch v := v.(type) {
	case nil:
		return got.Kind == sql.Null
	case bool:
		return got.Kind == map[bool]sql.RawKind{true: sql.True, false: sql.False}[v]
	case string:
		return got.Kind == sql.String && string(got.Text) == v
	case json.Number:
		return got.Kind == sql.Number && string(got.Text) == v.String()
	}
	again := json.NewDecoder(bytes.NewReader(got.Text))
	again.UseNumber()
	parsed, ok := oracleValue(again, 1)
	return got.Kind == sql.Nested && ok && fmt.Sprint(parsed) == fmt.Sprint(v)
}

var fuzzPaths = []string{"a", "b", "a.b", "b.a.b", "aa", "a.a.a"}

// TestJSONAgainstEncodingJSON writes random records, spoils some by a random edit, and compares.
func TestJSONAgainstEncodingJSON(t *testing.T) {
	const seed = 20261122
	r := rand.New(rand.NewSource(seed))
	reader := readerOf(fuzzPaths...)
	t.Logf("seed %d", seed)
	for range 30_000 {
		text := []byte(randomObject(r, 4))
		if r.Intn(2) == 0 {
			at := r.Intn(len(text))
			switch r.Intn(3) {
			case 0:
				text[at] = "{}[]\",:0ae-\\\x00\xff u"[r.Intn(16)]
			case 1:
				text = append(text[:at], text[at+1:]...)
			default:
				text = text[:at]
			}
		}
		compareWithOracle(t, reader, fuzzPaths, text)
	}
}

func randomObject(r *rand.Rand, depth int) string {
	var fields []string
	for range r.Intn(5) {
		key := []string{`"a"`, `"b"`, `"aa"`, `"\u0061b"`, `""`, `"é"`, `"long key of more than eight bytes"`}[r.Intn(7)]
		fields = append(fields, space(r)+key+space(r)+":"+space(r)+randomJSON(r, depth-1)+space(r))
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func randomJSON(r *rand.Rand, depth int) string {
	if depth > 0 && r.Intn(2) == 0 {
		if r.Intn(3) > 0 {
			return randomObject(r, depth)
		}
		var list []string
		for range r.Intn(4) {
			list = append(list, randomJSON(r, depth-1))
		}
		return "[" + strings.Join(list, ","+space(r)) + "]"
	}
	return []string{"null", "true", "false", "0", "-1.5e3", "12345678901234567890", `"x"`, `"a longer string, with a comma"`, `"tab\t\u00e9\\"`, `"\ud83d\ude00"`, `"\ud83d"`, `"日本語 text"`, `"quote\""`}[r.Intn(13)]
}

func space(r *rand.Rand) string { return []string{"", "", "", " ", "\n\t"}[r.Intn(5)] }

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":1,"b":{"a":"x\u00e9"}}`, `{"a":{"b":[1,2,{"a":null}]},"a":1}`, `{"\ud83d\ude00":"\ud83d"}`, `{"a":-0.5e+10} `, `[]`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(s))
	}
	reader := readerOf(fuzzPaths...)
	f.Fuzz(func(t *testing.T, text []byte) { compareWithOracle(t, reader, fuzzPaths, text) })
}

func TestJSONAllocatesNothing(t *testing.T) {
	r := readerOf("a", "b.c", "d")
	text := []byte(`{"a":"x\ty","b":{"c":1.5,"z":[1,2,{"q":"é"}]},"d":"` + strings.Repeat("long ", 50) + `","e":null}`)
	for range 1000 {
		r.read(text) // until it is learnt that there is nothing to learn
	}
	if n := testing.AllocsPerRun(100, func() {
		if !r.read(text) {
			t.Fatal(r.describe())
		}
	}); n > 0 || cap(r.arena) > 64 {
		t.Errorf("%v allocations, %d bytes of text", n, cap(r.arena))
	}
}
