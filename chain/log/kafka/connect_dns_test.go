package kafka_test

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// zone is a name server that answers for names below "well." and never for another.
func zone(t *testing.T) *net.Resolver {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	kafkatest.Must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		for b := make([]byte, 512); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if answer := addressOf(b[:n]); answer != nil {
				_, _ = c.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

// addressOf answers a question with 127.0.0.1, or with nothing if it is not for an IPv4 address.
func addressOf(question []byte) []byte {
	if !strings.Contains(string(question), "\x04well\x00") {
		return nil
	}
	const head, isResponse = 12, 0x8180
	end := head + strings.IndexByte(string(question[head:]), 0) + 1 + 4 // name, type, class
	answer := append([]byte(nil), question[:end]...)
	binary.BigEndian.PutUint16(answer[2:], isResponse)
	for i := 6; i < head; i++ {
		answer[i] = 0
	}
	if typeA := uint16(1); binary.BigEndian.Uint16(answer[end-4:]) == typeA {
		answer[7] = 1
		answer = append(answer, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01"...) // the name as asked, A, IN, a minute, 4 bytes
	}
	return answer
}

// The DNS does not answer for the name of one configured broker. The others are used meanwhile, by
// their names.
func TestANameThatHangs(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 3)
	h.Create("topic", 1, nil)
	names := []string{"hangs.ill:9092"}
	for _, a := range h.Addresses() {
		_, port, err := net.SplitHostPort(a)
		kafkatest.Must(t, err)
		names = append(names, net.JoinHostPort("kafka.well", port))
	}
	dialer := &net.Dialer{Resolver: zone(t)}
	s := &sluggish{Harness: h}
	for range 4 { // in different orders
		l, err := kafka.Open(kafka.WithDial(kafka.Config{Brokers: names, MaxDecompressedBytes: kafkatest.MaxDecompressedBytes}, dialer.DialContext), "topic")
		kafkatest.Must(t, err)
		s.session(t, l, "value")
		kafkatest.Must(t, l.Close())
	}
}
