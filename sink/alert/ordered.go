package alert

import (
	"errors"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ordered syncs a directory before one of Pebble's marker files is made in it. Pebble v2.1.7 makes a MANIFEST, then the
// marker that names it, and syncs the directory after both; a machine that dies in between may keep the marker and
// forget the MANIFEST, and the database does not open any more. TestCrashKeepsStateAndOutboxTogether found it with
// -crashes 2500; package state has the same remedy for its own databases, which this one may not import.
type ordered struct{ vfs.FS }

func (o ordered) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(o.PathBase(name), "marker.") {
		dir, err := o.OpenDir(o.PathDir(name))
		if err != nil {
			return nil, err
		}
		if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
			return nil, err
		}
	}
	return o.FS.Create(name, category)
}

// Unwrap lets Pebble find the file system below.
func (o ordered) Unwrap() vfs.FS { return o.FS }
