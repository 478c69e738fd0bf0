package kafka

import (
	"net"
	"sync/atomic"
	"time"
)

// step is how much of a request is written within one WriteTimeout. sarama gives a
// whole request, of up to 100 MiB, and a whole response one time limit: on a link
// that takes longer, it would be sent again for ever.
const step = 32 << 10

// sendBuffer bounds what the system takes of a request before it is on its way: the
// time limit of the response begins to run then.
const sendBuffer = 512 << 10

// pacer is a connection whose time limits are for getting on, not for the whole of
// what is read or written: each part that comes or goes sets them again.
type pacer struct {
	net.Conn
	read, write atomic.Int64 // a time.Duration: the limit that was set last; 0 for none
}

// paced bounds what the system holds of a request.
func paced(raw net.Conn) net.Conn {
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // one that it does not take is no harm
	}
	return raw
}

func (p *pacer) SetReadDeadline(t time.Time) error {
	p.read.Store(int64(until(t)))
	return p.Conn.SetReadDeadline(t)
}

func (p *pacer) SetWriteDeadline(t time.Time) error {
	p.write.Store(int64(until(t)))
	return p.Conn.SetWriteDeadline(t)
}

// until is 0 for no deadline.
func until(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return time.Until(t)
}

// Read sets the limit again once something has come.
func (p *pacer) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if limit := time.Duration(p.read.Load()); n > 0 && err == nil && limit > 0 {
		err = p.Conn.SetReadDeadline(time.Now().Add(limit))
	}
	return n, err
}

// Write sets the limit again for each step.
func (p *pacer) Write(b []byte) (written int, err error) {
	for limit := time.Duration(p.write.Load()); ; {
		n, err := p.Conn.Write(b[written:min(written+step, len(b))])
		written += n
		if err != nil || written == len(b) {
			return written, err
		}
		if limit > 0 {
			if err := p.Conn.SetWriteDeadline(time.Now().Add(limit)); err != nil {
				return written, err
			}
		}
	}
}
