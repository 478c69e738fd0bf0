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

// A refusal names the right that the operation lacks, so that what an operator grants is what it needs.
func TestClassifyNamesTheRight(t *testing.T) {
	topic := Open(Config{}, "topic")
	for op, right := range map[string]string{"append": "Write", "create": "Create", "read": "Read", "publish": "Read",
		"survey": "Read", "trim": "Delete", "bounds": "Read, or Describe,"} {
		if e := topic.Classify(op, sarama.ErrTopicAuthorizationFailed); !strings.Contains(e.Error(), right+" ") && !strings.Contains(e.Error(), right+",") {
			t.Errorf("%s: %v, want the right %s", op, e, right)
		}
	}
}
