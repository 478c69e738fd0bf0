package producer

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
)

// What the answer to the only attempt implies.
func TestOutcomeOf(t *testing.T) {
	p := newProducer(NewQueue(client.Open(client.Config{}, "topic"), 0))
	for _, test := range []struct {
		err   error
		class log.Class
	}{
		{client.UnknownTopicID, log.Fatal},
		{client.InconsistentTopicID, log.Fatal},
		{sarama.ErrDecompressedBatchTooLarge, log.Ambiguous},
		{sarama.PacketDecodingError{Info: "CRC didn't match"}, log.Ambiguous},
		{sarama.ErrInsufficientData, log.Ambiguous},
		{sarama.ErrInvalidMessage, log.Ambiguous},
	} {
		d := &delivery{}
		if !client.HasCode(test.err, refusals...) {
			d.doubt = test.err
		}
		if got := log.ClassOf(p.outcomeOf(d, test.err)); got != test.class {
			t.Errorf("%v: class %v, want %v", test.err, got, test.class)
		}
	}
}
