package pull

import (
	"context"
	"net"
	"strconv"
)

// ownAddress is the address that this orderer serves its clients at.
type ownAddress struct {
	listen string // host or address; empty or unspecified: all of the machine's
	port   uint16 // 0: not known
}

// is reports whether an address in the channel config is this orderer's: it has this
// orderer's port and resolves only to addresses that this orderer listens at. Where that
// is not known, as behind a load balancer, the orderer asks itself like any other one.
func (a ownAddress) is(ctx context.Context, endpoint string) bool {
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil || a.port == 0 || port != strconv.Itoa(int(a.port)) {
		return false
	}
	at, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return false
	}
	for _, resolved := range at {
		if !a.listensAt(ctx, resolved.IP) {
			return false
		}
	}
	return len(at) > 0
}

// listensAt reports whether this orderer listens at an address.
func (a ownAddress) listensAt(ctx context.Context, ip net.IP) bool {
	if a.listen == "" || net.ParseIP(a.listen).IsUnspecified() {
		return ofMachine(ip)
	}
	at, err := net.DefaultResolver.LookupIPAddr(ctx, a.listen)
	for _, own := range at {
		if err == nil && own.IP.Equal(ip) {
			return true
		}
	}
	return false
}

// ofMachine reports whether this machine has an address.
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
