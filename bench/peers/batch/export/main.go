// Command export writes a filled topic to three files of NDJSON, as a night's export job would: what the batch peers start
// from. The newest 1 % and 0.1 % of each partition are apart, so that a refresh can be measured with them as the new events:
//
//	export DIR    writes DIR/base.ndjson (the oldest 99 %), DIR/new.ndjson (to 99.9 %) and DIR/newest.ndjson
//
// The topic is described by the environment, as by the doc of command bench. Its cost is in no figure.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/bench/contract"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: export DIR")
		os.Exit(2)
	}
	if err := export(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "export:", err)
		os.Exit(1)
	}
}

func export(ctx context.Context, dir string) (err error) {
	task, err := contract.FromEnvironment()
	if err != nil {
		return err
	}
	ends, err := contract.Ends(ctx, task.Brokers, task.Topic)
	if err != nil {
		return err
	}
	var files []*bufio.Writer
	for _, name := range []string{"base", "new", "newest"} {
		f, e := os.Create(filepath.Join(dir, name+".ndjson"))
		if e != nil {
			return e
		}
		w := bufio.NewWriterSize(f, 1<<20)
		defer func() { err = errors.Join(err, w.Flush(), f.Close()) }()
		files = append(files, w)
	}
	// A bufio.Writer keeps its first error for Flush.
	return contract.Consume(ctx, task, func(records []*kgo.Record) {
		for _, r := range records {
			end, to := ends[r.Partition], 0
			if r.Offset >= end-end/100 {
				to = 1
			}
			if r.Offset >= end-end/1000 {
				to = 2
			}
			// A line break in JSON is white space: within a text it has to be escaped.
			for i, c := range r.Value {
				if c == '\n' || c == '\r' {
					r.Value[i] = ' '
				}
			}
			files[to].Write(r.Value)
			files[to].WriteByte('\n')
		}
	})
}
