//go:build !unix

package state

func mapSlab(n int) []byte { return make([]byte, n) }

func unmapSlab([]byte) {}
