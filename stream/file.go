package stream

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tidemark/tidemark/catalog"
)

// row is one record of a file: its number from 0 and its bytes, which nobody changes.
type row struct {
	n     int64
	bound int64 // b, where the source asks for a lateness
	value []byte
	copy  bool // another shard counts it
}

// FileError is a file that can't be read to its end: its results would not be complete.
type FileError struct {
	Source, File string
	Err          error
}

func (e *FileError) Error() string {
	return fmt.Sprintf("source %s: read %s: %v", e.Source, e.File, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// maxRow bounds one record of a file.
const maxRow = 1 << 20

// openRegular opens a file of a source. What is no regular file is refused before it is opened: opening a named pipe waits for its writer,
// and would not hear that the process is to end. A source is read more than once, first to know it again, and again after a restart; of a
// pipe nothing would be left.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	f := (*os.File)(nil)
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() {
		f, err = os.Open(path)
	}
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err // the name is in FileError
		}
		return nil, nil, err
	}
	kind := "not a regular file"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return f, info, nil
	case mode.IsDir():
		return nil, nil, errors.New("it is a directory")
	case mode&fs.ModeNamedPipe != 0:
		kind = "a pipe"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	}
	return nil, nil, fmt.Errorf("it is %s, and a source's files are read more than once: write what comes from it to a file first, and name that file", kind)
}

// openFile opens a file for reading and unpacks it: gzip and zstd are known by their first bytes, whatever the name.
// read counts the file's own bytes.
func openFile(path string, read *atomic.Int64) (io.ReadCloser, error) {
	f, _, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(&countingReader{f, read}, 256<<10)
	head, err := buffered.Peek(4)
	if err != nil && err != io.EOF {
		f.Close()
		return nil, err
	}
	switch {
	case len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		z, err := kgzip.NewReader(buffered)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("gzip: %w", err)
		}
		return &unpacked{z, []io.Closer{z, f}}, nil
	case len(head) == 4 && head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd:
		z, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("zstd: %w", err)
		}
		return &unpacked{z, []io.Closer{z.IOReadCloser(), f}}, nil
	case len(head) == 0 && (strings.HasSuffix(path, ".gz") || strings.HasSuffix(path, ".zst")):
		f.Close()
		return nil, errors.New("it is empty, not even a compressed file")
	}
	return &unpacked{buffered, []io.Closer{f}}, nil
}

// countingReader counts what passes.
type countingReader struct {
	io.Reader
	n *atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n.Add(int64(n))
	return n, err
}

// unpacked reads from the decompressor and closes it and the file. The end of a compressed file that was cut off is an
// error, not an end.
type unpacked struct {
	io.Reader
	closers []io.Closer
}

func (u *unpacked) Close() error {
	var err error
	for _, c := range u.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}

// explainReadError says what a decompressor's error means for the file.
func explainReadError(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the compressed file is cut off: %w", err)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, kgzip.ErrChecksum), errors.Is(err, zstd.ErrCRCMismatch):
		return fmt.Errorf("the compressed file is damaged: %w", err)
	}
	return err
}

// inputFile is one file of a source.
type inputFile struct {
	path string
	// name is how results and state call it: its base name, or the whole path where two files share that.
	name string
	// identity tells whether it is still the file that a state has read: size and first bytes.
	identity [16]byte
	size     int64
}

// inputFiles looks at the files of a source.
func inputFiles(source *catalog.Source, override []string) ([]inputFile, error) {
	paths := source.Files
	if override != nil {
		paths = override
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("stream: source %s has no files: no file matches %s", source.ID, strings.Join(source.Globs, ", "))
	}
	base := map[string]int{}
	for _, p := range paths {
		base[filepath.Base(p)]++
	}
	files := make([]inputFile, 0, len(paths))
	for _, p := range paths {
		f := inputFile{path: p, name: filepath.Base(p)}
		if base[f.name] > 1 {
			f.name = filepath.ToSlash(p)
		}
		if err := f.identify(); err != nil {
			return nil, &FileError{source.ID, p, err}
		}
		files = append(files, f)
	}
	return files, nil
}

func (f *inputFile) identify() error {
	h, info, err := openRegular(f.path)
	if err != nil {
		return err
	}
	defer h.Close()
	f.size = info.Size()
	sum := sha256.New()
	fmt.Fprintf(sum, "%d\n", f.size)
	if _, err := io.Copy(sum, io.LimitReader(h, 64<<10)); err != nil {
		return err
	}
	copy(f.identity[:], sum.Sum(nil))
	return nil
}
