package state

import (
	"errors"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// orderedFS makes a directory's entries durable before one of Pebble's markers points at one of them. Pebble syncs a new
// MANIFEST's bytes, creates the marker that names it, and syncs the directory once, after both: a file system that
// keeps the newer entry and loses the older one, which crash clones do and POSIX allows, is left with a marker for a file
// that does not exist. Found by TestStoreSurvivesCrashes with Pebble v2.1.7.
type orderedFS struct{ vfs.FS }

func (o orderedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(o.PathBase(name), "marker.") {
		d, err := o.OpenDir(o.PathDir(name))
		if err != nil {
			return nil, err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return nil, err
		}
	}
	return o.FS.Create(name, category)
}

// Unwrap gives Pebble the file system below.
func (o orderedFS) Unwrap() vfs.FS { return o.FS }
