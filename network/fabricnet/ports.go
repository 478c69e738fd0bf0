package fabricnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ports are those that a process of the network listens at, above the base.
func (o Options) ports(name string) []int {
	i := max(numberOf(name)-1, 0)
	switch {
	case name == proxyName:
		return o.proxyPorts()
	case name == chaincodeName:
		return []int{chaincodePort}
	case strings.HasPrefix(name, brokerName) && o.embedded():
		return []int{brokerPort}
	case strings.HasPrefix(name, brokerName):
		return append([]int{apachePort + 10*i, apachePort + 10*i + 1}, o.listenerPorts(i)...)
	case strings.HasPrefix(name, "orderer"):
		return []int{ordererPort + 10*i, ordererPort + 10*i + 1, ordererPort + 10*i + 2}
	}
	return []int{peerPort + 10*i, peerPort + 10*i + 1, peerPort + 10*i + 2}
}

// checkPorts returns an error that names the first port that is taken, and by whom.
func (n *Network) checkPorts() error {
	for _, name := range n.names() {
		for _, p := range n.options.ports(name) {
			if err := vacantPort(n.options.address(p)); err != nil {
				return fmt.Errorf("%w; choose other ports with --base-port", err)
			}
		}
	}
	return nil
}

// released waits until nobody listens at the ports of a process that has ended: one that it
// started may have inherited them.
func (n *Network) released(name string, p process) error {
	patience := cmp.Or(n.patience, stopPatience)
	deadline := time.Now().Add(patience)
	for _, port := range n.options.ports(name) {
		for {
			err := vacantPort(n.options.address(port))
			if err == nil || n.foreign(err, p) {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s: process %d has ended, and %v later %w", name, p.PID, patience, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nil
}

// foreign reports whether a port is in use by a process that neither is the network's nor
// was started by one that has ended: nothing to wait for.
func (n *Network) foreign(err error, ended process) bool {
	var taken *TakenError
	if !errors.As(err, &taken) || taken.PID == 0 {
		return false
	}
	folder, _ := marksOf(environ(taken.PID))
	session, err := unix.Getsid(taken.PID)
	return folder != n.dir && err == nil && session != ended.PID
}

// TakenError says that somebody listens at an address.
type TakenError struct {
	Address string
	PID     int // of who does; 0 if that cannot be found out
}

func (e *TakenError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is in use, by whom is not known", e.Address)
	}
	return fmt.Sprintf("%s is in use by process %d (%s)", e.Address, e.PID, program(e.PID))
}

// AwaitVacant waits until a process can listen at an address. When the context ends before,
// the error is a *TakenError, if somebody listens there.
func AwaitVacant(ctx context.Context, address string) error {
	for {
		err := vacantPort(address)
		var taken *TakenError
		if err == nil || !errors.As(err, &taken) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// vacantPort returns a *TakenError if somebody listens at an address.
func vacantPort(address string) error {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		_, port := split(address)
		return &TakenError{Address: address, PID: listener(port)}
	case err != nil:
		return err
	}
	return l.Close()
}
