package speed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/bench/contract"
)

// tick is how often paced traffic appends; one record of each tick is timed.
const tick = 5 * time.Millisecond

// mark is one record whose way is timed: from before it is handed to the client.
type mark struct {
	partition int32
	offset    int64
	sent      time.Time
}

// marks are the records on their way to the live result.
type marks struct {
	mu      sync.Mutex
	waiting []mark
	took    []time.Duration
	// What the newest result showed, and when: a record can show before its acknowledgement has come to the producer.
	shown map[int32]int64
	at    time.Time
}

func (m *marks) add(k mark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shown[k.partition] > k.offset {
		m.took = append(m.took, m.at.Sub(k.sent))
		return
	}
	m.waiting = append(m.waiting, k)
}

// seen takes the positions of a result that a client has got.
func (m *marks) seen(positions map[string]int64, at time.Time) {
	of := map[int32]int64{}
	for name, position := range positions {
		var partition int32
		if _, err := fmt.Sscanf(name, topic+"/%d", &partition); err == nil {
			of[partition] = position
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shown, m.at = of, at
	m.waiting = slices.DeleteFunc(m.waiting, func(k mark) bool {
		if of[k.partition] <= k.offset {
			return false
		}
		m.took = append(m.took, at.Sub(k.sent))
		return true
	})
}

// pace appends records at a rate for that long, or until ctx ends, and returns how many. Where the producer can't keep up it
// appends what it can.
func (p *producer) pace(ctx context.Context, rate float64, length time.Duration, marked func(mark)) (int64, error) {
	began, made, b := time.Now(), int64(0), (*batch)(nil)
	free := make(chan *batch, 256)
	for range cap(free) {
		free <- new(batch)
	}
	for ctx.Err() == nil && p.failed.Load() == nil {
		elapsed := time.Since(began)
		if elapsed >= length {
			break
		}
		n := int(min(int64(elapsed.Seconds()*rate)-made, batchRecords))
		if n <= 0 {
			time.Sleep(tick - elapsed%tick)
			continue
		}
		select {
		case b = <-free:
		case <-ctx.Done():
			continue
		}
		b.render(p, n)
		b.pending.Store(int32(n))
		at, own := time.Now(), b
		for i := range n {
			// What was drawn must be appended, or the log has holes that the oracle knows nothing of: so not with ctx.
			p.client.Produce(context.WithoutCancel(ctx), &b.records[i], func(r *kgo.Record, err error) {
				switch {
				case err != nil:
					p.failed.CompareAndSwap(nil, &err)
				case marked != nil && i == n-1:
					marked(mark{r.Partition, r.Offset, at})
				}
				if own.pending.Add(-1) == 0 {
					free <- own
				}
			})
		}
		made += int64(n)
	}
	return made, errors.Join(p.client.Flush(context.WithoutCancel(ctx)), p.err())
}

// live is a program that has caught up with a log that a producer continues.
type live struct {
	*harness
	s       Scenario
	log     *filledLog
	e       *engine
	p       *producer
	dir     string
	maximum float64 // events/s while it caught up
	caught  Sample
}

// goLive fills, starts the program, lets it catch up, and readies a producer that continues the log.
func (h *harness) goLive(ctx context.Context, s Scenario) (l *live, err error) {
	l = &live{harness: h, s: s, caught: Sample{Engine: "tidemark", Round: 1, Began: time.Now().UTC(), Load: load(), Busy: busy(ctx), Records: s.Shape.Events}}
	if l.log, err = openLog(ctx, h.Cache, h.Broker, s.Shape, false, h.Say); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if err = l.log.spoil(); err != nil {
		return l, err
	}
	if l.dir, err = os.MkdirTemp(filepath.Dir(l.log.dir), "run-"); err != nil {
		return l, err
	}
	if l.p, err = newProducer(l.log.addr, topic, s.Shape, 0); err != nil {
		return l, err
	}
	for range s.Shape.Events {
		l.p.gen.Next()
	}
	if l.e, err = serve(s, h.program, l.log.addr, l.dir); err != nil {
		return l, err
	}
	if err = l.e.start(); err != nil {
		return l, err
	}
	first, err := h.firstRecord(ctx, l.e)
	if err != nil {
		return l, err
	}
	end, err := h.toTheEnd(ctx, l.e, s, l.log.Ends, &l.caught)
	if err != nil {
		return l, err
	}
	l.maximum = perSecond(s.Shape.Events, end.Sub(first).Nanoseconds())
	if part := l.caught.Loaded; part != nil && part.Records > 0 {
		l.maximum = perSecond(part.Records, end.UnixNano()-part.Wall)
	}
	h.Say("caught up: %.0f events/s is the maximum", l.maximum)
	return l, nil
}

// settle waits until the results stand on everything appended.
func (l *live) settle(ctx context.Context) error {
	ends, err := contract.EndsBy(ctx, l.log.admin, topic)
	if err != nil {
		return err
	}
	_, err = l.toTheEnd(ctx, l.e, l.s, ends, &Sample{Loaded: &Part{}})
	return err
}

// finish compares the cells and keeps the sample of the whole run in the report.
func (l *live) finish(ctx context.Context) error {
	if err := l.settle(ctx); err != nil {
		return err
	}
	usage, err := l.e.usage()
	if err != nil {
		return err
	}
	sample := Sample{Engine: "tidemark", Round: 1, Began: l.caught.Began, Load: l.caught.Load, Busy: l.caught.Busy, Records: l.p.gen.Made(), RSS: usage.Peak, CPU: int64(usage.CPU),
		Wall: time.Since(l.caught.Began).Nanoseconds(), Written: usage.Written, Notes: []string{"the whole of a paced run: its rate and cost are those of the pace, not of the engine"}}
	if err := l.check(ctx, l.e, l.s, l.p.gen.Made(), nil, &sample); err != nil {
		return err
	}
	if sample.Disk, err = contract.DiskBytes(l.e.data()); err != nil {
		return err
	}
	l.report.Paced = append(l.report.Paced, sample)
	l.Say("%d cells of %s records: %s", sample.Cells, count(sample.Records), sample.exactness())
	return nil
}

func (l *live) close() error {
	if l.e != nil && l.e.cmd != nil {
		_, _ = l.e.stop(syscall.SIGKILL)
	}
	if l.p != nil {
		l.p.client.Close()
	}
	err := l.log.close()
	return errors.Join(err, os.RemoveAll(l.dir), os.RemoveAll(l.log.dir))
}
