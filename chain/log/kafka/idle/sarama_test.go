package idle

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// What sarama sends has the wait where Align looks for it, whatever the client's name.
func TestAlignReadsSaramasRequests(t *testing.T) {
	for _, version := range []int16{4, 11, 12} {
		for _, client := range []string{"", "orderer1.example.com"} {
			t.Run(fmt.Sprintf("version %d of %q", version, client), func(t *testing.T) {
				request := sent(t, client, &sarama.FetchRequest{Version: version, MaxWaitTime: 777, MinBytes: 1, MaxBytes: 1 << 20})
				if got := AlignPoll(request, int(version)); got != 777*time.Millisecond {
					t.Errorf("the wait is %s, want 777ms, in %q", got, request)
				}
			})
		}
	}
}

// sent returns the bytes of a request as a broker receives them.
func sent(t *testing.T, client string, r *sarama.FetchRequest) []byte {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	config := sarama.NewConfig()
	config.ClientID, config.Version, config.ApiVersionsRequest = client, sarama.V2_8_0_0, false
	b := sarama.NewBroker(l.Addr().String())
	if err := b.Open(config); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = b.Fetch(r) }() // is not answered
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	size := make([]byte, 4)
	if _, err := io.ReadFull(c, size); err != nil {
		t.Fatal(err)
	}
	request := make([]byte, 4+binary.BigEndian.Uint32(size))
	copy(request, size)
	if _, err := io.ReadFull(c, request[4:]); err != nil {
		t.Fatal(err)
	}
	return request
}
