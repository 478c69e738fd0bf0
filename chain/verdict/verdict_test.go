package verdict

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/machine"
)

const (
	passes = ""
	stops  = "which this build does not know" // part of what a verdict says
)

// verdictsOfThisBuild has the verdict on each of changes on a channel of type kafka in the normal state: passes, or
// the text of the refusal. See byLine.
var verdictsOfThisBuild = map[string]string{
	"size":                   passes,
	"brokers":                passes,
	"maintenance":            passes,
	"addresses":              passes,
	"no endpoints":           passes,
	"RSA authority":          passes,
	"underscore":             `broker "kafka_1:9092" of the channel config: a channel config accepts letters, digits, dots and hyphens`,
	"IPv6":                   `broker "[::1]:9092"`,
	"blank":                  `broker " kafka:9093"`,
	"no brokers":             "names no broker",
	"brokers gone":           "names no broker",
	"garbage for brokers":    "decode the channel config's KafkaBrokers",
	"channel V3_0":           stops + ": Fabric 3.0 introduced it",
	"only V3_0":              stops,
	"channel V9_9":           `capability "V9_9" of /Channel, ` + stops + ": Fabric 9.9 introduced it; replace this orderer",
	"orderer V9_9":           `capability "V9_9" of /Channel/Orderer, ` + stops,
	"application V9_9":       `capability "V9_9" of /Channel/Application, ` + stops,
	"only application V9_9":  stops,
	"ACLs":                   passes,
	"normal":                 "update would have no effect",
	"another state":          "consensus state 7 is neither STATE_NORMAL nor STATE_MAINTENANCE",
	"metadata":               "consensus type kafka takes no metadata",
	"etcdraft":               `the consensus type cannot be changed from "kafka" to "etcdraft"`,
	"shared":                 "the channel changes to type etcdraft only in maintenance mode",
	"shared at once":         "the channel changes to type etcdraft only in maintenance mode",
	"Raft":                   "the consensus type cannot be changed",
	"Raft with brokers":      "the consensus type cannot be changed",
	"etcdraft at once":       "the consensus type cannot be changed",
	"BFT":                    "the consensus type cannot be changed",
	"solo":                   "the consensus type cannot be changed",
	"testing-only":           "the consensus type cannot be changed",
	"no type":                `the consensus type cannot be changed from "kafka" to ""`,
	"BFT consenters":         "orderers and peers of Fabric 2.5 crash on it",
	"BFT consenters on top":  "orderers and peers of Fabric 2.5 crash on it",
	"consortiums":            "makes a system channel",
	"a group":                "group /Channel/Novelty, " + stops,
	"a group of an org":      "group /Channel/Orderer/Org/Sub, " + stops,
	"no application":         "current config has application section, but new config does not",
	"a value":                "value /Channel/Novelty, " + stops,
	"a value of orderers":    "value /Channel/Orderer/Novelty, " + stops,
	"a value of an org":      "value /Channel/Application/Org/Novelty, " + stops,
	"a field":                "fields of value /Channel/Orderer/BatchSize, " + stops,
	"a field of the MSP":     "fields of the MSP in /Channel/Application/Org, " + stops,
	"a field of a group":     "ConfigGroup with 4 bytes of unknown fields",
	"a policy":               "a policy of type 9, /Channel/P, " + stops,
	"no policy":              "was nil",
	"a field of a policy":    "fields of policy /Channel/P, " + stops,
	"a rule of a policy":     "fields of policy /Channel/P, " + stops,
	"a role":                 "fields of policy /Channel/P, " + stops,
	"a principal":            "fields of policy /Channel/P, " + stops,
	"a known role":           passes,
	"a hash":                 `hashing algorithm "SHA9" in /Channel/HashingAlgorithm, ` + stops,
	"a hash of the MSP":      "a hash function of the MSP in /Channel/Application/Org, " + stops,
	"an MSP":                 "an MSP of type 9 in /Channel/Application/Org, " + stops,
	"idemix":                 "setting up the MSP manager failed",
	"Ed25519 administrator":  "administrator's certificate 1 has a key of kind Ed25519",
	"RSA administrator":      "administrator's certificate 1 has a key of kind RSA",
	"Ed25519 authority":      "root certificate 1 has a key of kind Ed25519",
	"garbage for a value":    "failed to deserialize values",
	"garbage for capability": "failed to deserialize values",
}

// byLine has the verdicts of each line that differ from the module's.
var byLine = map[string]map[string]string{
	fabrictest.Line3.Name: {"channel V3_0": passes, "only V3_0": passes},
}

// expected returns the verdicts that are expected of this build.
func expected() map[string]string {
	all := maps.Clone(verdictsOfThisBuild)
	maps.Copy(all, byLine[fabrictest.ThisLine().Name])
	return all
}

func TestVerdictsOfThisBuild(t *testing.T) {
	c := newRealChannel(t)
	b, all := c.thisBuild(), changes(c)
	for name, want := range expected() {
		next := c.clone()
		all[name](next.ChannelGroup)
		v := b.verdict(machine.CheckAgreed, c.update(next, true))
		said := v.Refusal + v.Stop
		if (want == passes) != (said == "") || !strings.Contains(said, want) || (v.Stop != "") != strings.Contains(want, stops) {
			t.Errorf("%s: %+v, want %q", name, v, want)
		}
	}
	if got, want := slices.Sorted(maps.Keys(verdictsOfThisBuild)), slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Errorf("verdicts are expected of %q, changes are %q", got, want)
	}
}

// thisBuild returns the validator of this build.
func (c *realChannel) thisBuild() *build {
	b := c.build(thisLine())
	b.validator = New(b.validator.support, c.provider)
	return b
}

// Only those who are allowed to change the config can stop a channel by asking for what is unknown: otherwise all
// builds refuse the record alike.
func TestUnauthorizedUpdatesStopNothing(t *testing.T) {
	c := newRealChannel(t)
	all := changes(c)
	for name, want := range verdictsOfThisBuild {
		next := c.clone()
		all[name](next.ChannelGroup)
		unsigned := c.update(next, false)
		late := c.update(next, true)
		c.alter(late, func(config *fabric.ConfigEnvelope) { config.Config.Sequence++ })
		other := c.update(next, true)
		c.alter(other, func(config *fabric.ConfigEnvelope) { enable(config.Config.ChannelGroup, "V8_8") })
		for what, e := range map[string]*fabric.Envelope{"unsigned": unsigned, "late": late, "a config other than the update's": other} {
			for _, b := range c.builds()[2:] {
				if v := b.verdict(machine.CheckAgreed, e); v.Refusal == "" {
					t.Errorf("%s (%q), %s: %s says %+v", name, want, what, b.name, v)
				}
			}
		}
	}
}

// alter changes what is in a config envelope, and signs it again.
func (c *realChannel) alter(envelope *fabric.Envelope, change func(*fabric.ConfigEnvelope)) {
	config := &fabric.ConfigEnvelope{}
	payload := protoutil.UnmarshalPayloadOrPanic(envelope.Payload)
	if err := fabric.Unmarshal(payload.Data, config); err != nil {
		c.Fatal(err)
	}
	change(config)
	payload.Data = protoutil.MarshalOrPanic(config)
	envelope.Payload = protoutil.MarshalOrPanic(payload)
	envelope.Signature = c.sign(envelope.Payload)
}

// A list that was accepted once does not keep the config from being changed or corrected; what replaces it must be
// one that all lines accept.
func TestWhatIsInForceIsNotJudgedAgain(t *testing.T) {
	for _, bad := range []string{"underscore", "IPv6", "blank", "no brokers", "another state", "metadata", "a field", "a field of the MSP"} {
		c := newRealChannel(t)
		if fabrictest.ThisLine().ChecksBrokers && slices.Contains([]string{"underscore", "IPv6", "blank"}, bad) {
			continue // and never in force on an orderer of this line
		}
		all := changes(c)
		all[bad](c.config.ChannelGroup)
		b := c.thisBuild()
		for change, ok := range map[string]bool{"size": true, "brokers": true, "underscore": bad == "underscore", "channel V9_9": false} {
			next := c.clone()
			all[change](next.ChannelGroup)
			if bad == change {
				all["size"](next.ChannelGroup)
			}
			if v := b.verdict(machine.CheckAgreed, c.update(next, true)); (v == machine.Verdict{}) != ok {
				t.Errorf("%s after %s: %+v", change, bad, v)
			}
		}
	}
}

// An organization whose MSP has a certificate that no update may bring today can still change that MSP, for instance
// to revoke a certificate, but cannot add another one.
func TestCertificatesInForceAreNotJudgedAgain(t *testing.T) {
	c := newRealChannel(t)
	more := map[string]func(*fabric.ConfigGroup){ // by what is in force
		"RSA administrator": administrator(c.administrator(x509.RSA)),
		"Ed25519 authority": authority(c.authority(x509.Ed25519)),
	}
	inForce, other := "RSA administrator", "Ed25519 authority"
	if fabrictest.ThisLine().RefusesRSA {
		inForce, other = other, inForce // the line accepts only the one, all others only the other
	}
	more[inForce](c.config.ChannelGroup)
	b := c.thisBuild()
	for name, x := range map[string]struct {
		change func(*fabric.ConfigGroup)
		passes bool
	}{
		"one more authority": {authority(c.authority(x509.RSA)), true},
		"a client's authority trusted by TLS": {members(func(_ *fabric.MSPConfig, m *fabric.FabricMSPConfig) {
			m.TlsRootCerts = append(m.TlsRootCerts, c.ca.CertBytes())
		}), true},
		"another of the kind":         {changes(c)[inForce], false},
		"another that nobody accepts": {changes(c)[other], false},
	} {
		next := c.clone()
		x.change(next.ChannelGroup)
		if v := b.verdict(machine.CheckAgreed, c.update(next, true)); (v == machine.Verdict{}) != x.passes {
			t.Errorf("%s after %s: %+v", name, inForce, v)
		}
	}
}

// Peers of every line apply what this build accepts. See README.md.
func TestPeersApplyWhatPasses(t *testing.T) {
	passed := 0
	for _, before := range []string{"size", "maintenance", "shared"} {
		c := newRealChannel(t)
		all := changes(c)
		all[before](c.config.ChannelGroup)
		b := c.thisBuild()
		for first := range all {
			for _, second := range []string{"size", "addresses"} {
				next := c.clone()
				all[first](next.ChannelGroup)
				if next.ChannelGroup.Groups["Application"] != nil {
					all[second](next.ChannelGroup)
				}
				if v := b.verdict(machine.CheckAgreed, c.update(next, true)); v != (machine.Verdict{}) {
					continue
				}
				passed++
				for _, peer := range c.builds() {
					if enablesV3(next) && !peer.knows(channelconfig.ChannelGroupKey, capabilityV3) {
						continue // to be replaced before: see README.md
					}
					if err := peer.applies(next); err != nil {
						t.Errorf("after %s, %s and %s pass, but peers of %s say: %v", before, first, second, peer.name, err)
					}
				}
			}
		}
	}
	if passed < 20 {
		t.Errorf("%d configs passed", passed)
	}
}

func enablesV3(c *fabric.Config) bool {
	_, ok := capabilitiesOf(c.ChannelGroup)[capabilityV3]
	return ok
}

// applies does what a peer of the line does with an authorized config: the peer crashes on an error.
func (b *build) applies(next *fabric.Config) error {
	bundle, err := b.read(next)
	if err != nil {
		return err
	}
	if err := b.validator.support.ValidateNew(bundle); err != nil {
		return err
	}
	if _, ok := bundle.ApplicationConfig(); !ok {
		return errors.New("no application config")
	}
	for _, g := range []string{channelconfig.ChannelGroupKey, channelconfig.ApplicationGroupKey} {
		group := next.ChannelGroup
		if g == channelconfig.ApplicationGroupKey {
			group = group.Groups[g]
		}
		for c := range capabilitiesOf(group) {
			if !b.knows(g, c) {
				return fmt.Errorf("%s capability %s is required but not supported", g, c)
			}
		}
	}
	return nil
}
