package consenter

import (
	"context"
	"net"
	"strconv"
)

// self is where this orderer serves its clients.
type self struct {
	listen string // host or address; empty or unspecified: all of the machine's
	port   uint16 // 0: not known
}

// is reports whether an address in the channel config is this orderer's: its port, on
// addresses of this machine that it listens at, and on no others. Where that cannot be
// seen, as behind a load balancer, the orderer is asked as any other, and answers itself.
func (s self) is(ctx context.Context, endpoint string) bool {
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil || s.port == 0 || port != strconv.Itoa(int(s.port)) {
		return false
	}
	at, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return false
	}
	for _, a := range at {
		if !s.listensAt(ctx, a.IP) {
			return false
		}
	}
	return len(at) > 0
}

// listensAt reports whether this orderer listens at an address.
func (s self) listensAt(ctx context.Context, ip net.IP) bool {
	if s.listen == "" || net.ParseIP(s.listen).IsUnspecified() {
		return ofMachine(ip)
	}
	at, err := net.DefaultResolver.LookupIPAddr(ctx, s.listen)
	for _, a := range at {
		if err == nil && a.IP.Equal(ip) {
			return true
		}
	}
	return false
}

// ofMachine reports whether an address is one of this machine's.
func ofMachine(ip net.IP) bool {
	if ip.IsLoopback() {
		return true
	}
	all, err := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); err == nil && ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}
