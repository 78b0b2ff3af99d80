package decode

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tidemark/tidemark/catalog/sql"
)

// csvReader splits a row by RFC 4180: commas, fields in double quotes that may hold commas, line ends and doubled
// quotes. An empty field is the empty string, quoted or not.
type csvReader struct {
	slots []sql.Raw
	names []string // columns that the events read, by slot
	// columns maps the place in a row to a slot, -1 where nobody wants it; nil before the header.
	columns []int
	arena   []byte
	problem string
}

// header finds the wanted columns in the header row.
func (r *csvReader) header(row []byte) error {
	r.columns = r.columns[:0]
	slots := make(map[string]int, len(r.names))
	for i, name := range r.names {
		slots[name] = i
	}
	var has []string
	twice := make(map[string]bool)
	r.arena = r.arena[:0]
	row = bytes.TrimPrefix(row, []byte("\ufeff"))
	ok := r.split(row, func(i int, text []byte) bool {
		name := string(text)
		slot, wanted := slots[name]
		if !wanted {
			slot = -1
		}
		for _, h := range has {
			twice[name] = twice[name] || h == name
		}
		has = append(has, name)
		r.columns = append(r.columns, slot)
		return true
	})
	if !ok {
		return fmt.Errorf("decode: the header row is not CSV: %s", r.problem)
	}
	for _, name := range r.names {
		found := false
		for _, h := range has {
			found = found || h == name
		}
		switch {
		case !found:
			return fmt.Errorf("decode: the header has no column %q that an event reads (it has: %s)", name, strings.Join(has, ", "))
		case twice[name]:
			return fmt.Errorf("decode: the header has the column %q twice", name)
		}
	}
	return nil
}

// read splits a row into the slots; false means malformed.
func (r *csvReader) read(row []byte) bool {
	clear(r.slots)
	r.arena = r.arena[:0]
	count := 0
	ok := r.split(row, func(i int, text []byte) bool {
		count++
		if i >= len(r.columns) {
			return true
		}
		if slot := r.columns[i]; slot >= 0 {
			r.slots[slot] = sql.Raw{Kind: sql.String, Text: text}
		}
		return true
	})
	if ok && count != len(r.columns) {
		r.problem = fmt.Sprintf("the row has %d fields, the header %d", count, len(r.columns))
		return false
	}
	return ok
}

// split calls field for each field of a row. Its text is a part of the row, or of the arena if quotes were doubled.
func (r *csvReader) split(row []byte, field func(i int, text []byte) bool) bool {
	for i := 0; ; i++ {
		if len(row) > 0 && row[0] == '"' {
			text, rest, ok := r.quoted(row)
			if !ok {
				return false
			}
			field(i, text)
			if len(rest) == 0 {
				return true
			}
			if rest[0] != ',' {
				r.problem = "something follows a closing quote"
				return false
			}
			row = rest[1:]
			continue
		}
		end := bytes.IndexByte(row, ',')
		text := row
		if end >= 0 {
			text = row[:end]
		}
		if bytes.IndexByte(text, '"') >= 0 {
			r.problem = "a quote stands in a field without quotes"
			return false
		}
		field(i, text)
		if end < 0 {
			return true
		}
		row = row[end+1:]
	}
}

func (r *csvReader) quoted(row []byte) (text, rest []byte, ok bool) {
	row = row[1:]
	end := bytes.IndexByte(row, '"')
	if end >= 0 && (end+1 == len(row) || row[end+1] != '"') {
		return row[:end], row[end+1:], true
	}
	start := len(r.arena)
	for end >= 0 {
		r.arena = append(r.arena, row[:end]...)
		if end+1 == len(row) || row[end+1] != '"' {
			return r.arena[start:len(r.arena):len(r.arena)], row[end+1:], true
		}
		r.arena = append(r.arena, '"')
		row = row[end+2:]
		end = bytes.IndexByte(row, '"')
	}
	r.problem = "a quoted field is not closed"
	return nil, nil, false
}
