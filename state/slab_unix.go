//go:build unix

package state

import "syscall"

// mapSlab takes memory from the system, outside the Go heap: its bytes hold no pointers, and should neither be scanned
// nor let the heap grow to twice its size. Where the system refuses, the heap has to do.
func mapSlab(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	wantHugePages(b)
	return b
}

// unmapSlab gives it back; a slab of the heap is not known to the call, which leaves it to the collector.
func unmapSlab(b []byte) { _ = syscall.Munmap(b) }
