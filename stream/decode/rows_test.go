package decode

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/sql"
)

func allRows(r io.Reader, format catalog.Format, max int) (records []string, header string, err error) {
	rows := NewRows(r, format, max)
	for rows.Next() {
		if rows.Row() != int64(len(records)) {
			return nil, "", fmt.Errorf("row %d comes as number %d", len(records), rows.Row())
		}
		records = append(records, string(rows.Bytes()))
	}
	return records, string(rows.Header()), rows.Err()
}

func TestRows(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, test := range []struct {
		name, text string
		format     catalog.Format
		header     string
		want       []string
	}{
		{"lines", "{\"a\":1}\n{\"a\":2}\r\n\n  \n{\"a\":3}", catalog.JSON, "", []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}},
		{"byte order mark", "\ufeff{\"a\":1}\n", catalog.JSON, "", []string{`{"a":1}`}},
		{"quotes mean nothing in JSON lines", "{\"a\":\"\n\"}\n", catalog.JSON, "", []string{`{"a":"`, `"}`}},
		{"empty", "", catalog.JSON, "", nil},
		{"only line ends", "\n\r\n\n", catalog.CSV, "", nil},
		{"only a header", "a,b\n", catalog.CSV, "a,b", nil},
		{"rows", "\ufeffa,b\r\n1,2\r\n\r\n3,4", catalog.CSV, "a,b", []string{"1,2", "3,4"}},
		{"line ends in quotes", "a,b\n\"1\n\n2\",\"x \"\"y\"\"\r\nz\"\n3,\"4\"", catalog.CSV, "a,b", []string{"\"1\n\n2\",\"x \"\"y\"\"\r\nz\"", "3,\"4\""}},
		{"a stray quote spoils its own row only", "a,b\n5\" pipe,1\n\"x\"y\"z,2\n3,4\n", catalog.CSV, "a,b", []string{"5\" pipe,1", "\"x\"y\"z,2", "3,4"}},
		{"oversize", "short\n" + long + "\nafter\n", catalog.JSON, "", []string{"short", long[:101], "after"}},
		{"oversize at the end", long, catalog.JSON, "", []string{long[:101]}},
		{"oversize in quotes", "a\n\"" + long + "\n" + long + "\"\nafter\n", catalog.CSV, "a", []string{"\"" + long[:100], "after"}},
	} {
		for chunk := range 4 {
			var r io.Reader = strings.NewReader(test.text)
			switch chunk {
			case 1:
				r = iotest.OneByteReader(r)
			case 2:
				r = iotest.DataErrReader(r)
			case 3:
				r = iotest.HalfReader(r)
			}
			got, header, err := allRows(r, test.format, 100)
			if err != nil || header != test.header || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", test.want) {
				t.Errorf("%s, reader %d: header %q rows %q error %v, want %q %q", test.name, chunk, header, got, err, test.header, test.want)
			}
		}
	}
}

// TestRowsUnclosedQuote: a quote that nobody closes would swallow every row after it, and the numbers would look complete.
func TestRowsUnclosedQuote(t *testing.T) {
	for name, rest := range map[string]string{"a row": "3", "rows": "3\n4\n", "more than a record": strings.Repeat("5,6\n", 1000), "doubled quotes": "3\"\"\n4\n"} {
		got, _, err := allRows(strings.NewReader("a\n1\n\"2\n"+rest), catalog.CSV, 100)
		if len(got) != 1 || got[0] != "1" || err == nil || !strings.Contains(err.Error(), "row 2:") {
			t.Errorf("%s: rows %q, error %v, want the row before and an error at row 2", name, got, err)
		}
	}
}

// TestRowsMemoryIsBounded: a line without an end costs its bound, not its length.
func TestRowsMemoryIsBounded(t *testing.T) {
	for _, format := range []catalog.Format{catalog.JSON, catalog.CSV} {
		text := io.MultiReader(strings.NewReader("a\n\""), io.LimitReader(endless('x'), 64<<20), strings.NewReader("\"\nafter\n"))
		rows := NewRows(text, format, 1000)
		var last string
		for rows.Next() {
			last = string(rows.Bytes())
		}
		if last != "after" || rows.Err() != nil || cap(rows.buf) > 256<<10 {
			t.Errorf("%s: last row %q, %d bytes of buffer, error %v", format, last, cap(rows.buf), rows.Err())
		}
	}
}

type endless byte

func (c endless) Read(to []byte) (int, error) {
	for i := range to {
		to[i] = byte(c)
	}
	return len(to), nil
}

func TestRowsReportErrors(t *testing.T) {
	broken := errors.New("truncated")
	r := io.MultiReader(strings.NewReader("{\"a\":1}\n{\"a\""), iotest.ErrReader(broken))
	got, _, err := allRows(r, catalog.JSON, 100)
	if !errors.Is(err, broken) || len(got) != 1 {
		t.Errorf("rows %q error %v; the last line is not whole and must not be given", got, err)
	}
}

// TestRowsAgainstEncodingCSV writes random tables with encoding/csv and reads them back, in random pieces.
func TestRowsAgainstEncodingCSV(t *testing.T) {
	const seed = 3
	r := rand.New(rand.NewSource(seed))
	for range 2000 {
		columns := 1 + r.Intn(4)
		var table [][]string
		for range 1 + r.Intn(6) {
			row := make([]string, columns)
			for i := range row {
				for range r.Intn(5) {
					row[i] += []string{"a", "é", ",", "\"", "\n", "\r\n", " ", "x,y", "long text of some bytes"}[r.Intn(9)]
				}
			}
			if columns == 1 && strings.TrimSpace(row[0]) == "" {
				row[0] = "not blank"
			}
			table = append(table, row)
		}
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		w.UseCRLF = r.Intn(2) == 0
		header := make([]string, columns)
		for i := range header {
			header[i] = fmt.Sprint("c", i)
		}
		if err := w.Write(header); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteAll(table); err != nil {
			t.Fatal(err)
		}
		want, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		compareTable(t, seed, text.String(), header, want[1:], &pieces{r, text.Bytes()})
	}
}

// compareTable reads text as the engine does. encoding/csv takes \r\n within quotes for \n, so both sides are.
func compareTable(t *testing.T, seed int, text string, header []string, want [][]string, from io.Reader) {
	t.Helper()
	reader := &csvReader{slots: make([]sql.Raw, len(header)), names: header}
	rows := NewRows(from, catalog.CSV, 1<<20)
	n := 0
	for ; rows.Next(); n++ {
		if n == 0 {
			if err := reader.header(rows.Header()); err != nil {
				t.Fatal(err)
			}
		}
		if !reader.read(rows.Bytes()) {
			t.Fatalf("seed %d: %q row %d: %s", seed, text, n, reader.problem)
		}
		for i, s := range reader.slots {
			got, expect := strings.ReplaceAll(string(s.Text), "\r\n", "\n"), strings.ReplaceAll(want[n][i], "\r\n", "\n")
			if got != expect {
				t.Fatalf("seed %d: %q row %d column %d: %q, want %q", seed, text, n, i, got, expect)
			}
		}
	}
	if n != len(want) || rows.Err() != nil {
		t.Fatalf("seed %d: %q: %d rows, want %d (%v)", seed, text, n, len(want), rows.Err())
	}
}

// pieces gives random pieces of what it holds.
type pieces struct {
	*rand.Rand
	rest []byte
}

func (p *pieces) Read(to []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(to[:min(len(to), 1+p.Intn(20))], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func TestCSVRefuses(t *testing.T) {
	r := &csvReader{slots: make([]sql.Raw, 2), names: []string{"b", "a"}}
	if err := r.header([]byte("x,\"a\",b")); err != nil {
		t.Fatal(err)
	}
	if !r.read([]byte(`1,"2 ""two""",`)) || string(r.slots[0].Text) != "" || r.slots[0].Kind != sql.String || string(r.slots[1].Text) != `2 "two"` {
		t.Errorf("slots %q %s", r.slots, r.problem)
	}
	for _, row := range []string{"1,2", "1,2,3,4", `1,"2,3`, `1,2"x,3`, `1,"2"x,3`, `"1,2,3`, `1,2,"3""`} {
		if r.read([]byte(row)) || r.problem == "" {
			t.Errorf("%q is taken: %q", row, r.slots)
		}
	}
	for header, want := range map[string]string{"x,a": `no column "b"`, "a,b,a": `"a" twice`, `a,"b`: "not CSV", "A,B": `no column "b"`} {
		if err := r.header([]byte(header)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("header %q: %v, want %s", header, err, want)
		}
	}
}

func FuzzRows(f *testing.F) {
	f.Add([]byte("a,b\n1,\"2\n3\"\r\n\n4,5"), true)
	f.Add([]byte("{\"a\":1}\n\n{}\r\n"), false)
	f.Add([]byte("a\n1\n\"2\n3"), true)
	f.Fuzz(func(t *testing.T, text []byte, isCSV bool) {
		format := catalog.JSON
		if isCSV {
			format = catalog.CSV
		}
		const most = 64
		whole, header, err := allRows(bytes.NewReader(text), format, most)
		if err != nil && !isCSV { // an unclosed quote
			t.Fatal(err)
		}
		byByte, headerByByte, errByByte := allRows(iotest.OneByteReader(bytes.NewReader(text)), format, most)
		if fmt.Sprint(err) != fmt.Sprint(errByByte) || header != headerByByte || fmt.Sprintf("%q", whole) != fmt.Sprintf("%q", byByte) {
			t.Fatalf("%q: %q %q in one piece, %q %q by bytes (%v)", text, header, whole, headerByByte, byByte, errByByte)
		}
		for _, record := range whole {
			if len(record) > most+1 || !bytes.Contains(text, []byte(record)) {
				t.Fatalf("%q is not of %q", record, text)
			}
		}
	})
}
