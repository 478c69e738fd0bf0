// Package matrix is the fault matrix on the embedded broker: what Kafka can do
// to a channel, one test a row, against the real client and the real chain, in
// real time with short limits. The ledger alone is a fake. See README.md.
package matrix

import (
	"flag"
	"testing"

	"go.uber.org/goleak"

	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// atOnce is how many tests run side by side: they wait far more than they work.
const atOnce = "4"

func TestMain(m *testing.M) {
	kafkatest.Serve()
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // one a process, for ever
}
