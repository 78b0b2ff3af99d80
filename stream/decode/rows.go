package decode

import (
	"io"

	"github.com/tidemark/tidemark/catalog"
)

// Rows splits a file into records with their original bytes.
type Rows struct{}

// NewRows reads NDJSON lines or CSV rows from r. For CSV the first row is the header, see Header.
func NewRows(r io.Reader, format catalog.Format, max int) *Rows { return &Rows{} }

// Next moves to the next record; false at the end or on an error, see Err.
func (r *Rows) Next() bool { return false }

// Bytes are the record's original bytes without its line end, valid until Next. A record of more than max bytes is cut
// to max+1 bytes, so that the decoder rejects it as oversize.
func (r *Rows) Bytes() []byte { return nil }

// Row is the number of the record in the file, from 0, without the header and blank lines.
func (r *Rows) Row() int64 { return 0 }

// Header is the header row of a CSV file as it is in the file; nil before the first Next and for NDJSON.
func (r *Rows) Header() []byte { return nil }

// Err is the error that ended reading, nil at the end of the file.
func (r *Rows) Err() error { return nil }
