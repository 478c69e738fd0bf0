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

// ports returns the ports that a process of the network listens on, relative to the base.
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
		all := []int{ordererPort + 10*i, ordererPort + 10*i + 1, ordererPort + 10*i + 2}
		if o.Profiled {
			all = append(all, ordererPort+10*i+3)
		}
		return all
	}
	return []int{peerPort + 10*i, peerPort + 10*i + 1, peerPort + 10*i + 2}
}

// checkPorts returns an error that names the first port in use and the process that uses it.
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

// released waits until the ports of a process that has ended are free: a child may have
// inherited them.
func (n *Network) released(name string, p process) error {
	timeout := cmp.Or(n.timeout, stopTimeout)
	deadline := time.Now().Add(timeout)
	for _, port := range n.options.ports(name) {
		for {
			err := vacantPort(n.options.address(port))
			if err == nil || n.foreign(err, p) {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s: process %d has ended, and %v later %w", name, p.PID, timeout, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nil
}

// foreign reports whether a port is in use by a process that neither belongs to the network
// nor was started by the one that has ended: there is no point in waiting for it.
func (n *Network) foreign(err error, ended process) bool {
	var taken *TakenError
	if !errors.As(err, &taken) || taken.PID == 0 {
		return false
	}
	folder, _ := marksOf(environ(taken.PID))
	session, err := unix.Getsid(taken.PID)
	return folder != n.dir && err == nil && session != ended.PID
}

// TakenError is returned for an address that is in use.
type TakenError struct {
	Address string
	PID     int // of the process that listens there; 0 if unknown
}

func (e *TakenError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is in use by an unknown process", e.Address)
	}
	return fmt.Sprintf("%s is in use by process %d (%s)", e.Address, e.PID, program(e.PID))
}

// AwaitVacant waits until an address is free to listen on. If the context ends first, the
// error is a [*TakenError].
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

// vacantPort returns a *TakenError if an address is in use.
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
