package kafka_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// fault is what is wrong with the connections to a broker.
type fault int

const (
	healthy  fault = iota
	hung           // accepts connections, answers nothing: the process is stopped
	hole           // nothing is accepted: the machine is off
	late           // each answer takes longer than callers wait
	nameless       // the DNS hangs: the name neither resolves nor fails
)

func (f fault) String() string { return [...]string{"healthy", "hung", "hole", "late", "nameless"}[f] }

// lateBy is the delay of the answers of a late broker.
const lateBy = 3 * time.Second

// lanes is the connections to the brokers, each of which can have a fault.
type lanes struct {
	mu      sync.Mutex
	faults  map[string]fault
	changed chan struct{} // closed and replaced when a fault changes
}

func newLanes() *lanes { return &lanes{faults: map[string]fault{}, changed: make(chan struct{})} }

// set sets or ends the fault of a broker and its connections.
func (l *lanes) set(address string, f fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults[address] = f
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *lanes) of(address string) (fault, chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.faults[address], l.changed
}

// dial is the dial function of a Config.
func (l *lanes) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if f, _ := l.of(address); f == hole || f == nameless {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
	far, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	near, inner := net.Pipe()
	go l.carry(address, far, inner)
	go func() {
		_, _ = io.Copy(far, inner)
		_ = far.Close()
	}()
	return near, nil
}

// carry copies answers from a broker to its client.
func (l *lanes) carry(address string, from, to net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		l.waitHealthy(address)
		if _, failed := to.Write(b[:n]); err != nil || failed != nil {
			return
		}
	}
}

// waitHealthy returns when an answer of a broker may be passed to its client.
func (l *lanes) waitHealthy(address string) {
	for {
		f, changed := l.of(address)
		switch f {
		case healthy:
			return
		case late:
			select {
			case <-time.After(lateBy):
				return
			case <-changed:
			}
		default:
			<-changed
		}
	}
}

// end ends all faults at the end of the test.
func (l *lanes) end(t *testing.T, addresses []string) {
	t.Cleanup(func() {
		for _, a := range addresses {
			l.set(a, healthy)
		}
	})
}
