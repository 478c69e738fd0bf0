package reader_test

import (
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/chain/log/kafka/reader"
)

// A reader whose records nobody takes, since the disk is slow, fetches no more than FetchBytes of them: a channel of records of
// 10 MB would need gigabytes otherwise.
func TestFetchesNoMoreThanIsTaken(t *testing.T) {
	t.Parallel()
	const records, size, fetched = 24, 512 << 10, 1 << 20
	h := kafkatest.NewHarness(t, 1)
	config := h.Config(log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
	config.FetchBytes = fetched
	l, err := kafka.Open(config, "topic")
	kafkatest.Must(t, err)
	defer l.Close()
	kafkatest.Must(t, l.Create(t.Context()))
	for range records {
		kafkatest.Must(t, l.Append(t.Context(), make([]byte, size)))
	}
	r, err := l.Read(t.Context(), 0)
	kafkatest.Must(t, err)
	defer r.Close()
	kafkatest.Eventually(t, "a record is fetched", func() bool { return reader.Waiting(r) > 0 })
	const most = fetched / size
	for until := time.Now().Add(500 * time.Millisecond); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		if n := reader.Waiting(r); n > most {
			t.Fatalf("%d records of %d bytes were fetched ahead, want %d at most", n, size, most)
		}
	}
	for at := range log.Offset(records) {
		got, err := r.Next(t.Context())
		if err != nil || got.Offset != at || len(got.Value) != size {
			t.Fatalf("record %d of %d bytes, %v; want record %d of %d", got.Offset, len(got.Value), err, at, size)
		}
		if n := reader.Waiting(r); n > most {
			t.Fatalf("%d records of %d bytes were fetched ahead, want %d at most", n, size, most)
		}
	}
}
