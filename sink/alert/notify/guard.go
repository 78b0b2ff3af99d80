package notify

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"syscall"
)

// Policy says where a Client may send. The zero value is what production wants: https to public addresses only.
type Policy struct {
	// AllowHTTP permits plain http. Default: https only. Bodies and signatures then travel readable.
	AllowHTTP bool
	// AllowNetworks are addresses that are dialled although they are not public: a receiver inside the house,
	// loopback in tests and in the demo. Default none.
	AllowNetworks []netip.Prefix
}

// Loopback is what the demo and tests allow.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// ErrForbiddenAddress is returned when a receiver's name resolves to an address that the policy does not allow.
var ErrForbiddenAddress = errors.New("address is not public: list its network in the allowed networks if this receiver is meant")

// notPublic are the blocks that are neither a host on the Internet nor meant to be reached from it: IANA's special
// purpose registries for IPv4 and IPv6. Transition mechanisms (NAT64, 6to4, Teredo) are in it because they carry an
// IPv4 address that this list would have refused. Cloud metadata services live in 169.254/16, fc00::/7 and 100.64/10.
var notPublic = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"64:ff9b::/96", "64:ff9b:1::/48", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)

// public IPv6 is 2000::/3; everything outside it is unassigned, local or multicast.
var globalUnicast6 = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	p := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		p[i] = netip.MustParsePrefix(t)
	}
	return p
}

// AllowAddress says whether the policy lets a Client dial ip.
func (p Policy) AllowAddress(ip netip.Addr) bool {
	ip = ip.Unmap() // ::ffff:127.0.0.1 is 127.0.0.1
	for _, n := range p.AllowNetworks {
		if n.Contains(ip.WithZone("")) {
			return true
		}
	}
	if !ip.IsValid() || ip.Zone() != "" {
		return false
	}
	if ip.Is6() && !globalUnicast6.Contains(ip) {
		return false
	}
	for _, n := range notPublic {
		if n.Contains(ip) {
			return false
		}
	}
	return true
}

// control is net.Dialer.Control: it sees the address after resolution, just before connect, so that no spelling of a
// host and no second answer of a resolver gets past it. Checking the URL's text could not do that.
func (p Policy) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %q: %w", address, err)
	}
	if !p.AllowAddress(ap.Addr()) {
		return ErrForbiddenAddress
	}
	return nil
}

// CheckURL parses a receiver's URL and refuses what the policy does not allow. Errors never repeat the URL beyond
// its scheme and host, because its path is often the secret.
func (p Policy) CheckURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("the receiver's URL is not a URL")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the receiver's URL must begin with https://")
	case u.Scheme == "http" && !p.AllowHTTP:
		return nil, fmt.Errorf("receiver at %s: plain http is not allowed; use https", u.Host)
	case u.Hostname() == "":
		return nil, errors.New("the receiver's URL has no host")
	case u.User != nil:
		return nil, fmt.Errorf("receiver at %s: user and password do not belong in the URL", u.Host)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !p.AllowAddress(ip) {
		return nil, fmt.Errorf("receiver at %s: %w", u.Host, ErrForbiddenAddress)
	}
	return u, nil
}
