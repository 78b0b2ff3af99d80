package alert

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzDecode: no bytes of a row make the reader panic, and what is read is written the same.
func FuzzDecode(f *testing.F) {
	f.Add(encode(&instance{Key: Key{"r", "e", "m", "v"}, State: Firing, Episode: 3}))
	f.Add(encode(storedDelivery{Kind: "slack", Body: []byte("{}")}))
	f.Add([]byte{1, '{', '}', 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, v := range []any{new(instance), new(storedDelivery), new(Transition), new(progress), new(receiverRow)} {
			if decode([]byte("k"), value, v) == nil {
				once := encode(v)
				if err := decode([]byte("k"), once, v); err != nil || !bytes.Equal(once, encode(v)) {
					t.Errorf("%T: %v", v, err)
				}
			}
		}
	})
}

// FuzzKey: fields come out of a key as they went in, and keys sort by receiver, then by seq.
func FuzzKey(f *testing.F) {
	f.Add("a", "b", uint64(1))
	f.Add("", "\x00\xff", uint64(1<<63))
	f.Fuzz(func(t *testing.T, a, b string, seq uint64) {
		fields, err := splitKey(key('a', a, b))
		if err != nil || len(fields) != 2 || fields[0] != a || fields[1] != b {
			t.Errorf("%q %q: %q, %v", a, b, fields, err)
		}
		if seq < 1<<64-1 && bytes.Compare(deliveryKey('o', a, seq), deliveryKey('o', a, seq+1)) >= 0 {
			t.Errorf("%d does not sort before %d", seq, seq+1)
		}
		if a != b && (bytes.HasPrefix(key('o', a), key('o', b)) || bytes.Equal(deliveryKey('o', a, seq), deliveryKey('o', b, seq))) {
			t.Errorf("the rows of %q and %q are mixed", a, b)
		}
	})
}

// FuzzSummary: no template makes the check panic, and what passes gives one line of bounded length.
func FuzzSummary(f *testing.F) {
	f.Add("{{.Experiment}}: {{.Metric}} {{.Lift}} crossed {{.Limit}}")
	f.Add("{{range $i, $c := .Lift}}{{$i}}{{end}}")
	f.Add("{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}")
	f.Add("{{printf \"%q\" .Owner}}")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "%") {
			return // widths of printf are the author's to answer for
		}
		s, err := parseSummary(text)
		if err != nil || s == nil {
			return
		}
		out, err := s.execute(Facts{Lift: "+1%", Metric: "m"})
		if err == nil && (len(out) > maxSummary || strings.Contains(out, "\n")) {
			t.Errorf("%q gives %q", text, out)
		}
	})
}
