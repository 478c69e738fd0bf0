package client

import (
	"errors"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

func TestClassify(t *testing.T) {
	topic := Open(Config{}, "topic")
	for _, test := range []struct {
		err   error
		class log.Class
		says  string
	}{
		{UnknownTopicID, log.Fatal, "deleted and recreated"},
		{InconsistentTopicID, log.Fatal, "deleted and recreated"},
		{sarama.ErrDecompressedBatchTooLarge, log.Fatal, "operator"},
		{sarama.PacketDecodingError{Info: "CRC didn't match"}, log.Retryable, "CRC"},
		{sarama.ErrInsufficientData, log.Retryable, ""},
		{sarama.ErrInvalidMessage, log.Retryable, ""}, // CORRUPT_MESSAGE: another replica may be intact
	} {
		e := topic.Classify("read", test.err)
		if e.Class != test.class || !errors.Is(e, test.err) || !strings.Contains(e.Error(), test.says) {
			t.Errorf("%v: class %v, %v", test.err, e.Class, e)
		}
	}
}
