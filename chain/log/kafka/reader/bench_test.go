package reader_test

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// BenchmarkReplay measures a reader that is behind, at 2 KiB a record, by the number of bytes that are requested at a time.
func BenchmarkReplay(b *testing.B) {
	const records, callers = 16 << 10, 64
	h := kafkatest.NewHarness(b, 1)
	config := h.Config(log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
	fill(b, config, records/callers, callers)
	for _, mib := range []int32{1, 4, 16} {
		b.Run(fmt.Sprintf("%d MiB", mib), func(b *testing.B) {
			config.FetchBytes = mib << 20
			l := open(b, config)
			b.SetBytes(2 << 10)
			b.ReportAllocs()
			for left := b.N; left > 0; left -= records {
				read(b, l, min(left, records))
			}
		})
	}
}

func open(b *testing.B, config kafka.Config) *kafka.Log {
	l, err := kafka.Open(config, "topic")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l
}

// fill has callers append records to a new topic.
func fill(b *testing.B, config kafka.Config, each, callers int) {
	l := open(b, config)
	if err := l.Create(b.Context()); err != nil {
		b.Fatal(err)
	}
	value := bytes.Repeat([]byte("x"), 2<<10)
	var g errgroup.Group
	for range callers {
		g.Go(func() error {
			for range each {
				if err := l.Append(b.Context(), value); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
}

// read reads records from the start of the log.
func read(b *testing.B, l *kafka.Log, records int) {
	r, err := l.Read(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	for range records {
		if _, err := r.Next(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}
