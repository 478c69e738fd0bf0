package verdict

import (
	"errors"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Another orderer has written a pulled block: content that this build cannot read or does not know stops the channel.
// A config that nobody has authorized does not.
func TestPulledConfigs(t *testing.T) {
	c := newRealChannel(t)
	b, all := c.thisBuild(), changes(c)
	const unread = "this build cannot read the config"
	anyBroker := passes
	if fabrictest.ThisLine().ChecksBrokers {
		anyBroker = unread
	}
	for name, want := range map[string]string{
		"underscore": anyBroker, "IPv6": anyBroker, "no brokers": passes, "etcdraft": passes, "another state": passes,
		"channel V9_9": stops, "a value": stops, "a policy": stops, "garbage for a value": unread,
	} {
		next := c.clone()
		all[name](next.ChannelGroup)
		v := b.verdict(machine.CheckPulled, c.update(next, true))
		if said := v.Refusal + v.Stop; !strings.Contains(said, want) || (said == "") != (want == passes) || v.Refusal != "" {
			t.Errorf("%s: %+v, want %q", name, v, want)
		}
		if v := b.verdict(machine.CheckPulled, c.update(next, false)); v.Refusal == "" {
			t.Errorf("%s, unsigned: %+v", name, v)
		}
	}
}

// What a stale update leads to is judged before Fabric's own check, whose error does not distinguish what is unknown.
func TestProcessReportsTheUnknown(t *testing.T) {
	c := newRealChannel(t)
	b, all := c.thisBuild(), changes(c)
	for name, unknown := range map[string]bool{"channel V9_9": true, "a value": true, "underscore": false, "etcdraft": false, "garbage for a value": false} {
		for _, signed := range []bool{true, false} {
			next := c.clone()
			all[name](next.ChannelGroup)
			_, _, err := b.validator.Process(machine.Config, protoutil.MarshalOrPanic(c.update(next, signed)))
			if err == nil || errors.Is(err, session.ErrUnknown) != (unknown && signed) {
				t.Errorf("%s, signed %v: %v", name, signed, err)
			}
		}
	}
	bare := chaintest.EnvelopeOf(channel, fabric.TypeConfig, protoutil.MarshalOrPanic(&fabric.ConfigEnvelope{Config: c.config}))
	if _, _, err := b.validator.Process(machine.Config, protoutil.MarshalOrPanic(bare)); err == nil {
		t.Error("a config without an update is accepted")
	}
}
