package notify

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

// forbidden are addresses that no receiver may be at unless it is allowed by hand.
var forbidden = []string{
	"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255",
	"192.168.0.1", "192.168.255.255", "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "100.127.255.255",
	"192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9",
	"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::127.0.0.1",
	"fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
	"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "2001:0:4136:e378::1",
	"2001:db8::1", "2001:2::1", "2001:10::1", "2001:20::1", "3fff::1", "100::1", "5f00::1", "4000::1",
}

var public = []string{"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1", "192.167.1.1", "198.17.255.255", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2600::1"}

func TestGuardKnowsPublicAddresses(t *testing.T) {
	for _, text := range forbidden {
		if (Policy{}).AllowAddress(netip.MustParseAddr(text)) {
			t.Errorf("%s is dialled", text)
		}
	}
	for _, text := range public {
		if !(Policy{}).AllowAddress(netip.MustParseAddr(text)) {
			t.Errorf("%s is refused", text)
		}
	}
	p := Policy{AllowNetworks: Loopback}
	for text, want := range map[string]bool{"127.0.0.1": true, "::1": true, "::ffff:127.0.0.1": true, "10.0.0.1": false, "8.8.8.8": true} {
		if got := p.AllowAddress(netip.MustParseAddr(text)); got != want {
			t.Errorf("with loopback allowed, %s: %v", text, got)
		}
	}
	if (Policy{}).AllowAddress(netip.Addr{}) {
		t.Error("no address is an address")
	}
}

// TestGuardLooksAtTheDialledAddress starts a server on loopback and asks for it in every spelling: none may connect,
// because the guard sees what the resolver made of the name.
func TestGuardLooksAtTheDialledAddress(t *testing.T) {
	var reached atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	client := NewClient(ClientOptions{Policy: Policy{AllowHTTP: true}})
	hosts := []string{
		"127.0.0.1", "localhost", "LOCALHOST", "127.1", "127.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.0.0.1.",
		"[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::]", "0.0.0.0", "0", "⑫⑦.0.0.1", "ⓛocalhost", "127。0。0。1",
	}
	for _, host := range hosts {
		a := client.Post(context.Background(), NewSecret("http://"+host+":"+port+"/hook"), nil, []byte("{}"))
		if a.Verdict == Delivered || a.Status != 0 {
			t.Errorf("%s: %+v", host, a)
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached loopback", n)
	}
	ok := NewClient(ClientOptions{Policy: Policy{AllowHTTP: true, AllowNetworks: Loopback}})
	if a := ok.Post(context.Background(), NewSecret("http://127.0.0.1:"+port+"/hook"), nil, []byte("{}")); a.Verdict != Delivered {
		t.Errorf("allowed by hand, and still: %+v", a)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var inside atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.Add(1) }))
	defer target.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(target.URL+"/secret", status))
		client := NewClient(ClientOptions{Policy: Policy{AllowHTTP: true, AllowNetworks: Loopback}})
		a := client.Post(context.Background(), NewSecret(server.URL), nil, []byte("{}"))
		if a.Verdict != Dead || a.Status != status || !strings.Contains(a.Error, "redirect") {
			t.Errorf("%d: %+v", status, a)
		}
		server.Close()
	}
	if inside.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

func TestCheckURL(t *testing.T) {
	for _, c := range []struct {
		url  string
		open Policy
		ok   bool
	}{
		{"https://hooks.slack.com/services/T/B/x", Policy{}, true},
		{"https://example.com:8443/x", Policy{}, true},
		{"http://example.com/x", Policy{}, false},
		{"http://example.com/x", Policy{AllowHTTP: true}, true},
		{"ftp://example.com/x", Policy{AllowHTTP: true}, false},
		{"file:///etc/passwd", Policy{AllowHTTP: true}, false},
		{"gopher://example.com", Policy{AllowHTTP: true}, false},
		{"//example.com/x", Policy{}, false},
		{"example.com/x", Policy{}, false},
		{"https://", Policy{}, false},
		{"https:///x", Policy{}, false},
		{"https://user:pass@example.com/x", Policy{}, false},
		{"https://user@example.com/x", Policy{}, false},
		{"https://127.0.0.1/x", Policy{}, false},
		{"https://[::1]/x", Policy{}, false},
		{"https://127.0.0.1/x", Policy{AllowNetworks: Loopback}, true},
		{"https://ex ample.com/", Policy{}, false},
		{"https://example.com/%zz", Policy{}, false},
		{"", Policy{}, false},
	} {
		_, err := c.open.CheckURL(c.url)
		if (err == nil) != c.ok {
			t.Errorf("%q under %+v: %v", c.url, c.open, err)
		}
	}
	if _, err := (Policy{}).CheckURL("https://10.0.0.1/x"); !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("error %v", err)
	}
}
