//go:build unix && !linux

package state

func wantHugePages([]byte) {}
