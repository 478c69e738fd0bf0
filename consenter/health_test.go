package consenter

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperledger/fabric/common/metrics/disabled"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// registry is a fake of the operations system.
type registry map[string]fabric.HealthChecker

func (r registry) RegisterChecker(component string, c fabric.HealthChecker) error {
	r[component] = c
	return nil
}

func healthOf(t *testing.T, section map[string]any) (*Consenter, registry) {
	r := registry{}
	c, err := New(Host{Consensus: map[string]any{"Kafka": section}, Metrics: &disabled.Provider{}, Crypto: crypto(t), Health: r})
	checktest.Must(t, err)
	return c, r
}

// By default an outage of the brokers does not fail the check: liveness probes would restart
// all orderers.
func TestHealthIgnoresBrokersByDefault(t *testing.T) {
	_, r := healthOf(t, nil)
	if len(r) != 0 {
		t.Fatalf("got %v, want nothing", r)
	}
}

func TestHealthOfBrokers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, r := healthOf(t, map[string]any{"Health": "brokers", "DeliverGrace": "10s"})
		check := func() error { return r["kafka"].HealthCheck(t.Context()) }
		one, two := c.events("one"), c.events("two")
		one.Unavailable(errors.New("no broker"), time.Second)
		time.Sleep(9 * time.Second)
		one.Unavailable(errors.New("no leader"), time.Second)
		if err := check(); err != nil {
			t.Fatalf("within the grace: %v", err)
		}
		time.Sleep(2 * time.Second)
		two.Unavailable(errors.New("no broker"), time.Second)
		if got := fmt.Sprint(check()); got != "channel one has been cut off for 11s: no leader" {
			t.Fatalf("got %q, want %q", got, "channel one has been cut off for 11s: no leader")
		}

		one.Recovered(time.Second)
		checktest.Must(t, check())
		time.Sleep(time.Minute)
		checktest.Fails(t, check(), "channel two")
		two.Failed(errors.New("another channel's topic"))
		if err := check(); err != nil {
			t.Fatalf("no restart brings it back: %v", err)
		}
		one.Unavailable(errors.New("no broker"), time.Second)
		one.Halted()
		time.Sleep(time.Minute)
		if err := check(); err != nil {
			t.Fatalf("the channel was removed: %v", err)
		}
	})
}

// A channel that pulls blocks from other orderers does reach the brokers, which report what
// the topic has lost. It is not available meanwhile.
func TestHealthWhilePulling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, r := healthOf(t, map[string]any{"Health": "brokers", "DeliverGrace": "10s"})
		check := func() error { return r["kafka"].HealthCheck(t.Context()) }
		one := c.events("one")
		one.Unavailable(errors.New("no broker"), time.Second)
		time.Sleep(11 * time.Second)
		if err := check(); err == nil {
			t.Fatal("got no error")
		}
		one.Pulling(errors.New("waiting for block 7"))
		checktest.Must(t, check())
		for range 3 {
			one.Waiting(errors.New("no orderer answers"), 5*time.Second)
			time.Sleep(11 * time.Second)
			one.Pulled(7, 9)
			checktest.Must(t, check())
		}
		one.Unavailable(errors.New("no broker"), time.Second)
		time.Sleep(11 * time.Second)
		checktest.Fails(t, check(), "channel one has been cut off for 11s: no broker")
	})
}

func TestHealthNeedsTheHost(t *testing.T) {
	_, err := New(Host{Consensus: map[string]any{"Kafka": map[string]any{"Health": "brokers"}}, Metrics: &disabled.Provider{}, Crypto: crypto(t)})
	checktest.Fails(t, err, `Consensus.Kafka.Health is "brokers", but this build of the orderer gives the plugin no health checks`)
}
