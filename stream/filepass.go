package stream

import (
	"context"
	"sync/atomic"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/decode"
)

// A shard's rows are handed over in runs of at most this many rows and bytes.
const (
	runRows  = 1000
	runBytes = 256 << 10
)

// filePass reads the files of one source once and hands every shard its rows, from the first that the shard has not
// applied. Rows of shards that are not in it are skipped: another engine has those.
type filePass struct {
	source *catalog.Source
	plan   *catalog.Plan
	index  int // of the source in the plan
	files  []inputFile
	n      int32
	shards map[int32]fileShard
	read   *atomic.Int64 // bytes of files read, for progress
	// engine stops the pass while the disk is low.
	engine *Engine
}

// fileShard is one shard as a file pass sees it.
type fileShard struct {
	inbox *inbox
	feeds []int   // by file: the feed's index in the shard
	next  []int64 // by file: the first row that the shard wants
}

// run reads every file to its end.
func (p *filePass) run(ctx context.Context) error {
	for i := range p.files {
		r := fileReader{filePass: p, file: i, pending: make(map[int32]*delivery, len(p.shards))}
		if err := r.read(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &FileError{p.source.ID, p.files[i].path, explainReadError(err)}
		}
	}
	return nil
}

// fileReader reads one file of a pass.
type fileReader struct {
	*filePass
	file    int
	rows    *decode.Rows
	decoder *decode.Decoder
	outcome decode.Outcome
	bound   int64
	arena   []byte
	pending map[int32]*delivery
}

func (r *fileReader) read(ctx context.Context) error {
	in, err := openFile(r.files[r.file].path, r.filePass.read)
	if err != nil {
		return err
	}
	defer in.Close()
	r.decoder, err = decode.New(r.plan, r.index, scratchDictionary{}, decode.Options{})
	if err != nil {
		return err
	}
	r.bound = never
	r.rows = decode.NewRows(in, r.source.Format, maxRow)
	route := newRouter(r.decoder, r.n)
	next := int64(0)
	for first := true; r.rows.Next(); first = false {
		if header := r.rows.Header(); first && header != nil {
			if err := r.decoder.Header(header); err != nil {
				return err
			}
		}
		next = r.rows.Row() + 1
		if err := r.row(ctx, route); err != nil {
			return err
		}
	}
	if err := r.rows.Err(); err != nil {
		return err
	}
	for shard := range r.n {
		if _, ok := r.shards[shard]; ok {
			d := r.pendingFor(shard)
			d.end, d.next = true, next
			if err := r.hand(ctx, shard); err != nil {
				return err
			}
		}
	}
	return nil
}

// row gives the current row to its shards.
func (r *fileReader) row(ctx context.Context, route *router) error {
	n := r.rows.Row()
	rec := decode.Record{Offset: n, Value: r.keep(r.rows.Bytes())}
	if r.source.LatenessSet {
		r.observe(rec)
	}
	shards, _ := route.route(rec, int32(r.file))
	for i, shard := range shards {
		s, ok := r.shards[shard]
		if !ok || n < s.next[r.file] {
			continue
		}
		d := r.pendingFor(shard)
		d.rows = append(d.rows, row{n: n, bound: r.bound, value: rec.Value, copy: i > 0})
		d.bytes += int64(len(rec.Value)) + 64
		if len(d.rows) >= runRows || d.bytes >= runBytes {
			if err := r.hand(ctx, shard); err != nil {
				return err
			}
		}
	}
	if n%1024 == 0 {
		return ctx.Err()
	}
	return nil
}

// observe moves b. A file has no arrival times; where a lateness is asked for, a row arrives when the latest event of
// the file so far happened. It is decided here, over all rows, so that it does not depend on the sharding.
func (r *fileReader) observe(rec decode.Record) {
	r.decoder.Decode(rec, &r.outcome)
	for i := range r.outcome.Events {
		if e := &r.outcome.Events[i]; e.Verdict == decode.Accepted {
			r.bound = max(r.bound, e.Event.Time)
		}
	}
}

// keep copies the row's bytes to where they may stay until the shards have applied them.
func (r *fileReader) keep(text []byte) []byte {
	if cap(r.arena)-len(r.arena) < len(text) {
		r.arena = make([]byte, 0, max(runBytes, len(text)))
	}
	at := len(r.arena)
	r.arena = append(r.arena, text...)
	return r.arena[at:len(r.arena):len(r.arena)]
}

// pendingFor is what the shard gets next.
func (r *fileReader) pendingFor(shard int32) *delivery {
	d := r.pending[shard]
	if d == nil {
		d = &delivery{feed: r.shards[shard].feeds[r.file], header: r.rows.Header()}
		r.pending[shard] = d
	}
	return d
}

// hand gives the shard its run, waiting for room in its queue.
func (r *fileReader) hand(ctx context.Context, shard int32) error {
	for r.engine.diskLow() {
		if err := wait(ctx, diskEvery); err != nil {
			return err
		}
	}
	d := r.pending[shard]
	delete(r.pending, shard)
	return r.shards[shard].inbox.pushWait(ctx, *d)
}

// scratchDictionary serves a decoder whose dimension values nobody keeps.
type scratchDictionary struct{}

func (scratchDictionary) ID([]byte) uint32 { return 0 }
