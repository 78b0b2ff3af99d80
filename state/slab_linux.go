package state

import "syscall"

// wantHugePages asks for pages of 2 MiB: subjects lie in no order of time, and most of what a read from a large table costs is
// the way to its page.
func wantHugePages(b []byte) { _ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) }
