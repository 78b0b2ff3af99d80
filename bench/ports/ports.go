// Package ports hands out loopback ports for servers that run as processes of their own: they listen later than their port
// was chosen, and again on the same one after a kill. So the ports are from below the range out of which the kernel serves
// clients and listeners on port 0, which would now and then take one in between, and a process never gets one twice.
package ports

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Linux hands out 32768 to 60999 by itself, other systems 49152 and up.
const lowest, beyond = 10_000, 32_000

var (
	mu    sync.Mutex
	given = map[int]bool{}
)

// Free returns the first of n neighbouring ports on which nothing listens.
func Free(n int) (int, error) {
	mu.Lock()
	defer mu.Unlock()
	for range 1000 {
		port := lowest + rand.IntN(beyond-lowest-n)
		if !free(port, n) {
			continue
		}
		for i := range n {
			given[port+i] = true
		}
		return port, nil
	}
	return 0, fmt.Errorf("ports: no %d neighbouring free ports on 127.0.0.1 between %d and %d", n, lowest, beyond)
}

func free(port, n int) bool {
	for p := port; p < port+n; p++ {
		if given[p] {
			return false
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}
