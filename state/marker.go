package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"
)

// markerName is a file beside Pebble's: the number of the last commit that Durable made durable. A damaged tail of
// Pebble's MANIFEST opens without an error as an older store, whole and with its own digest; only something outside
// the store can tell that it once was further on.
const markerName = "DURABLE"

// markerVersion is the first byte of the file. Append-only:
//
//	1: the commit's number, 8 bytes, and the checksum of what is before it
const markerVersion = 1

// writeMarker replaces the marker in dir: the new one is complete before it takes the old one's name.
func writeMarker(disk vfs.FS, dir string, commit uint64) error {
	b := binary.BigEndian.AppendUint64([]byte{markerVersion}, commit)
	b = binary.BigEndian.AppendUint64(b, xxh3.Hash(b))
	name := disk.PathJoin(dir, markerName)
	f, err := disk.Create(name+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := disk.Rename(name+".new", name); err != nil {
		return err
	}
	d, err := disk.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readMarker returns the number of the last durable commit; 0 if there was none.
func readMarker(disk vfs.FS, dir string) (uint64, error) {
	f, err := disk.Open(disk.PathJoin(dir, markerName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return 0, err
	}
	if len(b) != 17 || b[0] != markerVersion || binary.BigEndian.Uint64(b[9:]) != xxh3.Hash(b[:9]) {
		return 0, fmt.Errorf("file %s fails its checksum: %w", markerName, ErrCorrupt)
	}
	return binary.BigEndian.Uint64(b[1:]), nil
}
