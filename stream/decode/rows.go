package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tidemark/tidemark/catalog"
)

// Rows splits a file into records with their original bytes: NDJSON lines, or CSV rows, whose quoted fields may hold
// line ends. Lines end with LF or CRLF; a byte order mark at the beginning and blank lines are skipped.
type Rows struct {
	from io.Reader
	csv  bool
	max  int

	buf        []byte
	start, end int // what is read and not yet given
	eof        bool
	err        error

	cut    []byte // of an oversize record: its first bytes
	record []byte
	header []byte
	row    int64
	begun  bool
}

// NewRows reads records from r; max is the most bytes of one. For CSV the first row is the header, see Header.
func NewRows(r io.Reader, format catalog.Format, max int) *Rows {
	return &Rows{from: r, csv: format == catalog.CSV, max: max, row: -1, buf: make([]byte, 64<<10)}
}

// Next moves to the next record; false at the end or on an error, see Err.
func (r *Rows) Next() bool {
	if !r.begun {
		r.begun = true
		r.byteOrderMark()
		if r.csv {
			if !r.next() {
				return false
			}
			r.header = bytes.Clone(r.record)
		}
	}
	if !r.next() {
		return false
	}
	r.row++
	return true
}

// Bytes are the record's original bytes without its line end, valid until Next. A record of more than max bytes is cut
// to max+1 bytes, so that the decoder rejects it as oversize.
func (r *Rows) Bytes() []byte { return r.record }

// Row is the number of the record in the file, from 0, without the header and blank lines.
func (r *Rows) Row() int64 { return r.row }

// Header is the header row of a CSV file as it is in the file; nil before the first Next and for NDJSON.
func (r *Rows) Header() []byte { return r.header }

// Err is the error that ended reading, nil at the end of the file.
func (r *Rows) Err() error { return r.err }

func (r *Rows) byteOrderMark() {
	for r.end-r.start < 3 && r.fill() {
	}
	if bytes.HasPrefix(r.buf[r.start:r.end], []byte("\ufeff")) {
		r.start += 3
	}
}

// next finds the next record that is not blank.
func (r *Rows) next() bool {
	for r.line() {
		if len(bytes.TrimLeft(r.record, " \t\r")) > 0 {
			return true
		}
	}
	return false
}

// line reads up to the next line end that is not within quotes.
func (r *Rows) line() bool {
	var q quotes
	scanned := 0 // bytes after start that have been looked at
	r.cut = r.cut[:0]
	for {
		rest := r.buf[r.start+scanned : r.end]
		i := bytes.IndexByte(rest, '\n')
		if i >= 0 && (!r.csv || !q.open(rest[:i])) {
			return r.give(scanned+i, 1)
		}
		if i >= 0 {
			q.state = inside
			scanned += i + 1
		} else {
			if r.csv {
				q.open(rest)
			}
			scanned += len(rest)
		}
		if scanned > r.max+1 {
			// too long: keep its beginning, drop the rest as it comes
			if len(r.cut) == 0 {
				r.cut = append(r.cut, r.buf[r.start:r.start+r.max+1]...)
			}
			r.start += scanned
			scanned = 0
		}
		if i < 0 && !r.fill() {
			if r.err == nil && q.state == inside {
				// Everything since would be one record, however many rows it was: that is no file to take numbers from.
				r.err = fmt.Errorf("row %d: a quoted field is never closed: the rest of the file is inside it", r.row+2)
			}
			if r.err != nil || r.end == r.start && len(r.cut) == 0 {
				return false
			}
			return r.give(r.end-r.start, 0)
		}
	}
}

// give makes the n bytes from start the record and skips the line end behind it.
func (r *Rows) give(n, lineEnd int) bool {
	r.record = r.buf[r.start : r.start+n]
	r.start += n + lineEnd
	if len(r.cut) > 0 {
		r.record = r.cut
	} else if len(r.record) > r.max+1 {
		r.record = r.record[:r.max+1]
	}
	if k := len(r.record); k > 0 && r.record[k-1] == '\r' && lineEnd > 0 {
		r.record = r.record[:k-1]
	}
	return true
}

// fill reads more; false at the end.
func (r *Rows) fill() bool {
	if r.eof {
		return false
	}
	if r.start > 0 {
		copy(r.buf, r.buf[r.start:r.end])
		r.start, r.end = 0, r.end-r.start
	}
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	for range 100 {
		n, err := r.from.Read(r.buf[r.end:])
		r.end += n
		if err != nil {
			r.eof = true
			if !errors.Is(err, io.EOF) {
				r.err = err
			}
			return n > 0 && r.err == nil
		}
		if n > 0 {
			return true
		}
	}
	r.eof, r.err = true, io.ErrNoProgress
	return false
}

// quotes follows a CSV row through its quotes, over the pieces in which it is read. Only a quote at the beginning of a
// field opens one, so that a stray quote spoils its own row and not those after it.
type quotes struct{ state quoteState }

type quoteState uint8

const (
	fieldStart quoteState = iota
	plainField
	inside
	closing // a quote inside: the end, or the first of two
)

// open goes on through piece, which holds no line end outside quotes but its own, and says whether a line end after it
// would be within quotes.
func (q *quotes) open(piece []byte) bool {
	if q.state != inside && q.state != closing && bytes.IndexByte(piece, '"') < 0 {
		if len(piece) > 0 {
			q.state = plainField
			if piece[len(piece)-1] == ',' {
				q.state = fieldStart
			}
		}
		return false
	}
	for _, c := range piece {
		switch {
		case q.state == inside:
			if c == '"' {
				q.state = closing
			}
		case c == '"' && (q.state == fieldStart || q.state == closing):
			q.state = inside
		case c == ',':
			q.state = fieldStart
		default:
			q.state = plainField
		}
	}
	return q.state == inside
}
