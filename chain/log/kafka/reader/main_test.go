package reader_test

import (
	"testing"

	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

func TestMain(m *testing.M) { kafkatest.Main(m) }
