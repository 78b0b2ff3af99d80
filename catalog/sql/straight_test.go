package sql

import (
	"fmt"
	"math/rand"
	"strconv"
	"testing"
	"time"
)

// straightSamples are what a field may be, numbers of every length and shape among them.
func straightSamples(r *rand.Rand) []Raw {
	out := []Raw{{}, {Kind: Null, Text: []byte("null")}, {Kind: True, Text: []byte("true")}, {Kind: False, Text: []byte("false")},
		{Kind: Nested, Text: []byte(`{"a":1}`)}, {Kind: Nested, Text: []byte(`["click"]`)}}
	texts := []string{"0", "-0", "7", "-7", "1767600000123", "-1767600000123", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
		"9223372036854775", "9223372036854776", "-9223372036854776", "12.5", "1e3", "1E-3", "1e400", "0.0000001", "123456789012345678901234567890", "1767600000123.9", "24.06", "99999999999999999.99"}
	for n := 1; n <= 20; n++ {
		digits := []byte{'1' + byte(r.Intn(9))}
		for len(digits) < n {
			digits = append(digits, '0'+byte(r.Intn(10)))
		}
		texts = append(texts, string(digits), "-"+string(digits))
	}
	for _, text := range texts {
		out = append(out, Raw{Kind: Number, Text: []byte(text)}, Raw{Kind: String, Text: []byte(text)})
	}
	for _, text := range []string{"", "click", "Click", "clic", "clicks", "true", "2026-01-05 10:00:00", "2026-01-05T10:00:00+02:00", " 12 ", "nan", "日本"} {
		out = append(out, Raw{Kind: String, Text: []byte(text)})
	}
	return out
}

// The straight ways give what the closures give: verdict, reason, text, hashes, moment and integers.
func TestStraightWaysAreTheGeneralOne(t *testing.T) {
	const seed = 3
	r := rand.New(rand.NewSource(seed))
	t.Logf("seed %d", seed)
	samples := straightSamples(r)
	seoul := time.FixedZone("KST", 9*3600)
	kept, excluded := 0, 0
	for _, text := range []string{
		"SELECT a AS x, b AS y FROM s",
		"SELECT CAST(a AS VARCHAR) AS x, b FROM s WHERE a IS NOT NULL",
		"SELECT a::BIGINT AS x, b FROM s", "SELECT a::DOUBLE AS x, b FROM s", "SELECT a::DECIMAL(18,2) AS x, b FROM s", "SELECT a::BOOLEAN AS x FROM s",
		"SELECT EPOCH_MS(a) AS event_time, b FROM s", "SELECT EPOCH_MS(a::BIGINT) AS event_time, b FROM s", "SELECT EPOCH_MS(COALESCE(a, b)) AS event_time FROM s",
		"SELECT b AS x FROM s WHERE a = 'click'", "SELECT b AS x FROM s WHERE 'click' = a AND b::BIGINT > 7", "SELECT b AS x FROM s WHERE a <> 'click'",
		"SELECT b AS x FROM s WHERE (a = 'click' AND EPOCH_MS(b) IS NOT NULL) AND b > 7", "SELECT b AS x FROM s WHERE a = '7' OR b = 'click'",
		"SELECT b AS x FROM s WHERE NOT a = 'click'", "SELECT b AS x FROM s WHERE b::BIGINT > 7 AND a = 'click'", "SELECT b AS x FROM s WHERE a = '12.5'", "SELECT b AS x FROM s WHERE a = ''",
	} {
		for _, csv := range []bool{false, true} {
			q, errs := parse(text, csv)
			if errs != nil {
				if csv {
					continue
				}
				t.Fatal(text, errs)
			}
			// The fields stand elsewhere than the paths, as they do where several events read one record.
			at := r.Perm(len(q.Paths) + 2)[:len(q.Paths)]
			opt := EvalOptions{CSV: csv, Fields: at, Location: seoul}
			straight, plain := q.NewEvaluator(opt), q.newEvaluator(EvalOptions{CSV: csv, Location: seoul}, true)
			fields, inOrder := make([]Raw, len(q.Paths)+2), make([]Raw, len(q.Paths))
			got, want := make([]Value, len(q.Columns)), make([]Value, len(q.Columns))
			for range 3000 {
				for i := range fields {
					fields[i] = samples[r.Intn(len(samples))]
					if csv && fields[i].Kind != Missing {
						fields[i].Kind = String
					}
					if r.Intn(3) == 0 {
						fields[i] = Raw{Kind: String, Text: []byte("click")}
					}
				}
				for i := range inOrder {
					inOrder[i] = fields[at[i]]
				}
				keep, err := straight.Eval(fields, got)
				keepPlain, errPlain := plain.Eval(inOrder, want)
				if keep != keepPlain || fmt.Sprint(err) != fmt.Sprint(errPlain) {
					t.Fatalf("%s of %q: %v %v, by closures %v %v", text, fields, keep, err, keepPlain, errPlain)
				}
				if plain.Excludes(inOrder) {
					t.Fatalf("%s: the general way has no guard", text)
				}
				if straight.Excludes(fields) {
					if excluded++; keep || err != nil {
						t.Fatalf("%s of %q: excluded, but %v %v", text, fields, keep, err)
					}
				}
				if !keep {
					continue
				}
				kept++
				for i := range got {
					if a, b := everything(&got[i], seoul), everything(&want[i], seoul); a != b {
						t.Fatalf("%s of %q: column %d is %s, by closures %s", text, fields, i, a, b)
					}
				}
				if HashRow(got) != HashRow(want) {
					t.Fatalf("%s of %q: other hashes of the row", text, fields)
				}
			}
		}
	}
	if kept < 10_000 || excluded < 2500 {
		t.Errorf("%d records were kept and %d excluded: this compares too little", kept, excluded)
	}
}

// everything is all that a value says of itself.
func everything(v *Value, loc *time.Location) string {
	out := fmt.Sprintf("%s %v %q %x", v.Kind, v.Null, v.AppendText(nil), v.Hash())
	if v.Null {
		return out
	}
	moment, err := v.Moment(loc)
	out += fmt.Sprintln("", moment, err)
	for _, scale := range []int{0, 2, 6} {
		n, err := v.Fixed(scale)
		out += fmt.Sprintln(n, err)
	}
	return out
}

// Integers of eight digits at a time are strconv's.
func TestParseInt(t *testing.T) {
	const seed = 9
	r := rand.New(rand.NewSource(seed))
	t.Logf("seed %d", seed)
	read := 0
	for i := range 400_000 {
		var text []byte
		if r.Intn(4) == 0 {
			text = append(text, '-')
		}
		for range i % 21 {
			text = append(text, '0'+byte(r.Intn(10)))
		}
		if len(text) > 0 && r.Intn(4) == 0 {
			const others = "/:-+. _\x00\x1f\xb0\xb9\xff\x7e"
			text[r.Intn(len(text))] = others[r.Intn(len(others))]
		}
		got, ok := parseInt(text)
		want, err := strconv.ParseInt(string(text), 10, 64)
		if len(text) > 0 && text[0] == '+' || len(text) > 20 || len(text) > 19 && text[0] != '-' {
			err = strconv.ErrSyntax // more than the least it must read: a sign that JSON has not, zeros in front
		}
		if ok != (err == nil) || ok && got != want {
			t.Fatalf("%q is %d %v, strconv has %d %v", text, got, ok, want, err)
		}
		if ok {
			read++
		}
	}
	if read < 200_000 {
		t.Errorf("only %d numbers were read", read)
	}
}
