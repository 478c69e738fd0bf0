package kafka_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// fault is what is wrong with the way to a broker.
type fault int

const (
	well     fault = iota
	hung           // accepts connections, answers nothing: the process is stopped
	hole           // nothing is accepted: the machine is off
	late           // each answer takes longer than anybody wants to wait
	nameless       // the name does not resolve, nor fail to: the DNS hangs
)

func (f fault) String() string { return [...]string{"well", "hung", "hole", "late", "nameless"}[f] }

// lateBy is how much later the answers of a broker come that is late.
const lateBy = 3 * time.Second

// lanes are the ways to brokers, each of which can be at fault.
type lanes struct {
	mu      sync.Mutex
	faults  map[string]fault
	changed chan struct{} // closed and replaced when a fault is
}

func newLanes() *lanes { return &lanes{faults: map[string]fault{}, changed: make(chan struct{})} }

// set puts a broker at fault, with its connections, or ends that.
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

// dial is a Config's.
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

// carry takes answers from a broker to its client.
func (l *lanes) carry(address string, from, to net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		l.pass(address, to)
		if _, failed := to.Write(b[:n]); err != nil || failed != nil {
			return
		}
	}
}

// pass returns when what a broker has answered may go to its client, or the test is over.
func (l *lanes) pass(address string, to net.Conn) {
	for {
		f, changed := l.of(address)
		switch f {
		case well:
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

// end lets everything through.
func (l *lanes) end(t *testing.T, addresses []string) {
	t.Cleanup(func() {
		for _, a := range addresses {
			l.set(a, well)
		}
	})
}
