package ports

import (
	"net"
	"strconv"
	"testing"
)

func TestPortsAreFreeAndNeverGivenTwice(t *testing.T) {
	seen := map[int]bool{}
	for range 500 {
		port, err := Free(2)
		if err != nil {
			t.Fatal(err)
		}
		for p := port; p < port+2; p++ {
			if seen[p] || p < lowest || p >= beyond {
				t.Fatalf("port %d: given twice, or out of %d to %d", p, lowest, beyond)
			}
			seen[p] = true
		}
	}
}

func TestPortInUseIsNotFree(t *testing.T) {
	port, err := Free(1)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	delete(given, port)
	if free(port, 1) || free(port-1, 2) {
		t.Errorf("somebody listens on %d, and it is called free", port)
	}
}
