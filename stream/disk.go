package stream

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// diskWatch keeps the engine off a full disk. Pebble would stop inside a write and never return, so fetching is paused
// while there is still room to commit what is in memory and to go on serving; it resumes by itself.
type diskWatch struct {
	status atomic.Pointer[DiskStatus]
	broken atomic.Bool // the free space can't be told; said once
}

// diskEvery is how often the free space is looked at.
const diskEvery = time.Second

// watchDisk looks at the free space until ctx ends.
func (e *Engine) watchDisk(ctx context.Context) {
	if e.opt.DiskLow < 0 {
		return
	}
	tick := time.NewTicker(diskEvery)
	defer tick.Stop()
	for {
		e.lookAtDisk()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// lookAtDisk compares the free space with the low-water mark and tells the fetchers. A disk that was low is taken for
// free again a tenth above the mark, so that it does not flap.
func (e *Engine) lookAtDisk() {
	free, total, err := e.freeSpace()
	if errors.Is(err, vfs.ErrUnsupported) {
		return // a file system in memory: it has no room to run out of
	}
	if err != nil {
		if !e.disk.broken.Swap(true) {
			e.opt.Logger.Info("the free space of the data directory is not known; the disk is not watched", "err", err)
		}
		return
	}
	mark := max(uint64(e.opt.DiskLow), uint64(e.opt.DiskLowShare*float64(total)))
	was := e.disk.status.Load()
	low := free < mark
	if was != nil && was.Low {
		low = free < mark+mark/10
	}
	status := &DiskStatus{Free: free, Total: total, LowWater: mark, Low: low}
	if was != nil && was.Low == low || was == nil && !low {
		e.disk.status.Store(status)
		return
	}
	if low {
		// Paused first, then said: whoever reads the status may rely on it. What is below catches a fetcher that began
		// between the two.
		e.hold(true)
	}
	e.disk.status.Store(status)
	e.hold(low)
	if low {
		e.opt.Logger.Error("the disk is low: fetching is paused, results are served as they are", "state", string(ReadOnlyDisk), "free", free, "low_water", mark)
	} else {
		e.opt.Logger.Info("the disk has room again: fetching goes on", "free", free, "low_water", mark)
	}
}

// hold pauses every fetcher, or ends that.
func (e *Engine) hold(low bool) {
	for _, t := range e.types {
		t.hold(low)
	}
}

func (e *Engine) freeSpace() (free, total uint64, err error) {
	if e.opt.FreeSpace != nil {
		return e.opt.FreeSpace(e.opt.Dir)
	}
	usage, err := e.opt.FS.GetDiskUsage(e.opt.Dir)
	return usage.AvailBytes, usage.TotalBytes, err
}

// diskLow says whether fetching is paused for want of room.
func (e *Engine) diskLow() bool {
	s := e.disk.status.Load()
	return s != nil && s.Low
}
