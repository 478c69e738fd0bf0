package consenter

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/stretchr/testify/require"

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
	require.NoError(t, err)
	return c, r
}

// By default an outage of the brokers does not fail the check: liveness probes would restart
// all orderers.
func TestHealthIgnoresBrokersByDefault(t *testing.T) {
	_, r := healthOf(t, nil)
	require.Empty(t, r)
}

func TestHealthOfBrokers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, r := healthOf(t, map[string]any{"Health": "brokers", "DeliverGrace": "10s"})
		check := func() error { return r["kafka"].HealthCheck(t.Context()) }
		one, two := c.events("one"), c.events("two")
		one.Unavailable(errors.New("no broker"), time.Second)
		time.Sleep(9 * time.Second)
		one.Unavailable(errors.New("no leader"), time.Second)
		require.NoError(t, check(), "within the grace")
		time.Sleep(2 * time.Second)
		two.Unavailable(errors.New("no broker"), time.Second)
		require.EqualError(t, check(), "channel one is cut off for 11s: no leader")

		one.Recovered(time.Second)
		require.NoError(t, check())
		time.Sleep(time.Minute)
		require.ErrorContains(t, check(), "channel two")
		two.Failed(errors.New("another channel's topic"))
		require.NoError(t, check(), "no restart brings it back")
		one.Unavailable(errors.New("no broker"), time.Second)
		one.Halted()
		time.Sleep(time.Minute)
		require.NoError(t, check(), "the channel was removed")
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
		require.Error(t, check())
		one.Pulling(errors.New("awaiting block 7"))
		require.NoError(t, check())
		for range 3 {
			one.Awaiting(errors.New("no orderer answers"), 5*time.Second)
			time.Sleep(11 * time.Second)
			one.Pulled(7, 9)
			require.NoError(t, check())
		}
		one.Unavailable(errors.New("no broker"), time.Second)
		time.Sleep(11 * time.Second)
		require.ErrorContains(t, check(), "channel one is cut off for 11s: no broker")
	})
}

func TestHealthNeedsTheHost(t *testing.T) {
	_, err := New(Host{Consensus: map[string]any{"Kafka": map[string]any{"Health": "brokers"}}, Metrics: &disabled.Provider{}, Crypto: crypto(t)})
	require.ErrorContains(t, err, `Consensus.Kafka.Health is "brokers", but this build of the orderer gives the plugin no health checks`)
}
