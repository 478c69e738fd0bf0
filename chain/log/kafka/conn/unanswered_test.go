package conn

import (
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The oldest of several requests is watched until its answer begins, and then the next one, however the answers are cut into
// pieces: a broker that answers one and then hangs is reported.
func TestTheOldestRequestIsWatched(t *testing.T) {
	for _, piece := range []int{1, 3, 7, 1000} {
		synctest.Test(t, func(t *testing.T) {
			cluster := Open(Config{Brokers: []string{"broker:9092"}, ReadTimeout: time.Minute, WriteTimeout: time.Minute}, "topic")
			defer cluster.Close()
			cluster.brokers.leader = func(string) (string, error) { return "broker:9092", nil }
			g := cluster.Gate()
			defer g.Close()
			near, far := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, far) }()
			c := &conn{Conn: near, raw: near, gate: g, address: "broker:9092"}
			defer c.Close()
			c.used.Store(int64(time.Since(began)))
			watched := func(want time.Duration) {
				t.Helper()
				waits := cluster.brokers.waits
				if len(waits) != 1 && want >= 0 || len(waits) > 0 && want < 0 {
					t.Errorf("%d waits", len(waits))
				}
				for w := range waits {
					if w.waited() != want {
						t.Errorf("watched for %s, want %s", w.waited(), want)
					}
				}
			}
			for range 2 {
				if _, err := c.Write(frame("\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
			}
			watched(2 * time.Second)
			for n := range 2 {
				go func() {
					for answer := frame(strings.Repeat("x", 20)); len(answer) > 0; answer = answer[min(piece, len(answer)):] {
						_, _ = far.Write(answer[:min(piece, len(answer))])
					}
				}()
				if _, err := io.ReadFull(c, make([]byte, 24)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				watched([]time.Duration{time.Second, -1}[n])
			}
		})
	}
}
