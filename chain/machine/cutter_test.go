package machine

import (
	"math/rand/v2"
	"slices"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/orderer/common/blockcutter"
)

// fabricConfig is the part of the channel config that Fabric's block cutter reads.
type fabricConfig struct {
	channelconfig.Orderer
	size ab.BatchSize
}

func (c *fabricConfig) OrdererConfig() (channelconfig.Orderer, bool) { return c, true }

func (c *fabricConfig) BatchSize() *ab.BatchSize { return &c.size }

// TestCutsAsFabric compares batch with Fabric's own block cutter on random
// streams in which the limits change at any time, with cuts in between.
func TestCutsAsFabric(t *testing.T) {
	twoAtOnce, pending := 0, 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 3))
		config := &fabricConfig{}
		pair := cutters{t: t, rng: rng, config: config,
			fabric: blockcutter.NewReceiverImpl("ours", config, blockcutter.NewMetrics(&disabled.Provider{}))}
		pair.change()
		for range 200 {
			switch rng.IntN(30) {
			case 0:
				pair.change()
			case 1:
				pair.cut()
			default:
				if pair.add() == 2 {
					twoAtOnce++
				}
			}
		}
		pending += len(pair.ours.envelopes)
	}
	if twoAtOnce == 0 || pending == 0 {
		t.Errorf("the streams cut two batches at once %d times and left %d pending: too few", twoAtOnce, pending)
	}
}

// cutters are our block cutter and Fabric's, given the same envelopes.
type cutters struct {
	t      *testing.T
	rng    *rand.Rand
	config *fabricConfig
	fabric blockcutter.Receiver
	ours   batch
}

func (c *cutters) change() {
	limits := Limits{
		MaxMessageCount:   1 + uint32(c.rng.IntN(8)),
		PreferredMaxBytes: 1 + uint32(c.rng.IntN(300)),
		AbsoluteMaxBytes:  1000,
	}
	c.ours.limits = limits
	c.config.size = ab.BatchSize{
		MaxMessageCount:   limits.MaxMessageCount,
		AbsoluteMaxBytes:  limits.AbsoluteMaxBytes,
		PreferredMaxBytes: limits.PreferredMaxBytes,
	}
}

func (c *cutters) cut() {
	want, got := c.fabric.Cut(), c.ours.cut()
	if !slices.Equal(payloads(want), bodies(got)) {
		c.t.Fatalf("cut %q, want %q", bodies(got), payloads(want))
	}
}

// add adds one envelope to both and returns the number of batches that it cut.
func (c *cutters) add() int {
	payload := make([]byte, 1+c.rng.IntN(120))
	for i := range payload {
		payload[i] = byte(c.rng.Uint32())
	}
	e := &cb.Envelope{Payload: payload, Signature: make([]byte, c.rng.IntN(30))}
	want, pending := c.fabric.Ordered(e)
	got := c.ours.add(Envelope{Bytes: payload, Size: len(e.Payload) + len(e.Signature)})
	if len(want) != len(got) || pending != (len(c.ours.envelopes) > 0) {
		c.t.Fatalf("%d batches with %d pending, want %d with any pending: %t", len(got), len(c.ours.envelopes), len(want), pending)
	}
	for i := range want {
		includes := want[i][len(want[i])-1] == e
		if !slices.Equal(payloads(want[i]), bodies(got[i].envelopes)) || got[i].includes != includes {
			c.t.Fatalf("batch %d of %d is %+v, want %q, including the last: %t", i, len(want), got[i], payloads(want[i]), includes)
		}
	}
	return len(want)
}

func payloads(envelopes []*cb.Envelope) []string {
	var all []string
	for _, e := range envelopes {
		all = append(all, string(e.Payload))
	}
	return all
}

func bodies(envelopes []Envelope) []string {
	var all []string
	for _, e := range envelopes {
		all = append(all, string(e.Bytes))
	}
	return all
}
