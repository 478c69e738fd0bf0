// Package matrix is the fault matrix on the embedded broker: what Kafka can do
// to a channel, one test per row, against the real client and the real chain, in
// real time with short timeouts. Only the ledger is a fake. See README.md.
package matrix

import (
	"flag"
	"testing"

	"go.uber.org/goleak"

	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// atOnce is the number of parallel tests: they wait far more than they compute.
const atOnce = "4"

func TestMain(m *testing.M) {
	kafkatest.Serve()
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // one per process, never stopped
}
