package conn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	limit = 10 * time.Second
	large = 40 * step
)

// link returns a connection through a link that transfers one step per interval.
func link(t *testing.T, while time.Duration) (ours *conn, theirs net.Conn) {
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return &conn{Conn: &pacer{Conn: near}, raw: near, gate: &Gate{}}, slow{far, while}
}

type slow struct {
	net.Conn
	while time.Duration
}

func (s slow) Read(b []byte) (int, error) {
	time.Sleep(s.while)
	return s.Conn.Read(b[:min(step, len(b))])
}

func (s slow) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		time.Sleep(s.while)
		var m int
		m, err = s.Conn.Write(b[n:min(n+step, len(b))])
		n += m
	}
	return n, err
}

// A request and a response that take many times the limit succeed, as sarama sends and
// reads them, as long as they make progress. Without progress they time out.
func TestLimitsFollowProgress(t *testing.T) {
	for _, test := range []struct {
		while time.Duration
		want  error
	}{{limit / 2, nil}, {2 * limit, os.ErrDeadlineExceeded}} {
		synctest.Test(t, func(t *testing.T) {
			if err := readLarge(t, test.while); !errors.Is(err, test.want) {
				t.Errorf("read, one step every %v: %v, want %v", test.while, err, test.want)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			if err := writeLarge(t, test.while); !errors.Is(err, test.want) {
				t.Errorf("write, one step every %v: %v, want %v", test.while, err, test.want)
			}
		})
	}
}

var value = bytes.Repeat([]byte("v"), large)

func readLarge(t *testing.T, while time.Duration) error {
	ours, theirs := link(t, while)
	var sending sync.WaitGroup
	defer sending.Wait()
	defer ours.Conn.Close()
	sending.Go(func() { _, _ = theirs.Write(value) })
	if err := ours.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	got := make([]byte, large)
	_, err := io.ReadFull(ours, got)
	if err == nil && !bytes.Equal(got, value) {
		t.Error("other bytes")
	}
	return err
}

func writeLarge(t *testing.T, while time.Duration) error {
	ours, theirs := link(t, while)
	var got bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.CopyBuffer(struct{ io.Writer }{&got}, theirs, make([]byte, step)) })
	err := ours.SetWriteDeadline(time.Now().Add(limit))
	if err == nil {
		_, err = ours.Write(value)
	}
	_ = ours.Conn.Close()
	reading.Wait()
	if err == nil && !bytes.Equal(got.Bytes(), value) {
		t.Error("other bytes")
	}
	return err
}
