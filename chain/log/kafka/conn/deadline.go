package conn

import (
	"net"
	"sync/atomic"
	"time"
)

// step is how much of a request is written within one WriteTimeout. sarama has one
// time limit for a whole request of up to 100 MiB and one for a whole response: on a
// slower link, the request would be retried forever.
const step = 32 << 10

// sendBuffer bounds how much of a request the system buffers before it is sent: the time
// limit of the response starts once the request is written.
const sendBuffer = 512 << 10

// pacer is a connection whose time limits require progress, and do not limit a whole read
// or write: each part that is sent or received resets them.
type pacer struct {
	net.Conn
	read, write atomic.Int64 // a time.Duration: the limit set last; 0 for none
}

// paced bounds how much of a request the system buffers.
func paced(raw net.Conn) net.Conn {
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // best effort
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

// until returns the time left until a deadline; 0 for no deadline.
func until(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return time.Until(t)
}

// Read resets the limit once something is received.
func (p *pacer) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if limit := time.Duration(p.read.Load()); n > 0 && err == nil && limit > 0 {
		err = p.Conn.SetReadDeadline(time.Now().Add(limit))
	}
	return n, err
}

// Write resets the limit for each step.
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
