package producer_test

import (
	"fmt"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// BenchmarkAppend measures appends by callers that each wait for their acknowledgement, at 2 KiB a record.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 64, 512} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			h := kafkatest.NewHarness(b, 1)
			l, err := kafka.Open(h.Config(log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20}), "topic")
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			if err := l.Create(b.Context()); err != nil {
				b.Fatal(err)
			}
			value := make([]byte, 2<<10)
			b.SetParallelism(callers / 2) // of GOMAXPROCS
			b.SetBytes(int64(len(value)))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := l.Append(b.Context(), value); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
