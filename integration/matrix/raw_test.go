package matrix

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// client returns a client of an implementation other than the tested one: it acts as
// a foreign writer or as an operator's tool.
func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(w.cluster.Addresses()...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	}, opts...)...)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// write appends values to a topic, each in a batch of its own.
func (w *world) write(topic string, values ...[]byte) {
	w.Helper()
	c := w.client()
	defer c.Close()
	for _, v := range values {
		if err := c.ProduceSync(w.Context(), &kgo.Record{Topic: topic, Value: v}).FirstErr(); err != nil {
			w.Fatal(err)
		}
	}
}

// value returns the record value of an envelope, as an orderer writes it.
func (w *world) value(channel, text string) []byte {
	w.Helper()
	v, flaw := record.OfEnvelope(chaintest.Envelope(channel, text), 0, machine.Normal)
	if flaw != "" {
		w.Fatal(flaw)
	}
	return v
}

// values returns n record values of envelopes that were never ordered.
func (w *world) values(n int) (all [][]byte) {
	w.Helper()
	for range n {
		all = append(all, w.value(channel, "intruder"))
	}
	return all
}
