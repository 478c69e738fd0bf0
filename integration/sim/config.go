package sim

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// The keys of the channel config that updates set.
const (
	keyLimits  = "limits"  // index into limitSets
	keyWriters = "writers" // bit set of the clients that may write
	keyBrokers = "brokers" // number of the broker list
	keyLevel   = "level"   // that orderers must support, like Fabric's capabilities
	keyStage   = "stage"   // of the way from type kafka to Raft; an update is to the next one
)

// The stages of a channel. In maintenance mode clients are refused; Raft orders the channel once it has left.
const (
	stageKafka = iota
	stageKafkaMaintenance
	stageSharedMaintenance
	stageShared
	stageLeaving // in maintenance mode
	stageLeft
)

// limitSets are the batch limits that a channel can have.
var limitSets = []machine.Limits{
	{MaxMessageCount: 3, PreferredMaxBytes: 300, AbsoluteMaxBytes: 1000},
	{MaxMessageCount: 6, PreferredMaxBytes: 250, AbsoluteMaxBytes: 1000},
	{MaxMessageCount: 2, PreferredMaxBytes: 600, AbsoluteMaxBytes: 1200},
	{MaxMessageCount: 1, PreferredMaxBytes: 200, AbsoluteMaxBytes: 800},
	{MaxMessageCount: 5, PreferredMaxBytes: 160, AbsoluteMaxBytes: 900},
}

const (
	clients    = 4
	everybody  = 1<<clients - 1
	firstSeq   = 1
	expiryNone = 1 << 40 // ms: after the end of any run
)

// settings are the channel config in force, an immutable value.
type settings struct {
	seq      uint64
	limits   int
	writers  int
	brokers  int
	level    int
	stage    int
	versions [5]int
}

// always is the version of an update that always applies.
const always = -1

func firstSettings() settings { return settings{seq: firstSeq, writers: everybody} }

func slot(key string) int {
	switch key {
	case keyLimits:
		return 0
	case keyWriters:
		return 1
	case keyBrokers:
		return 2
	case keyLevel:
		return 3
	case keyStage:
		return 4
	}
	return -1
}

// apply returns the config after an update.
func (s settings) apply(u *update) (settings, error) {
	i := slot(u.key)
	if s.left() {
		return s, fmt.Errorf("the channel has left")
	}
	if i < 0 {
		return s, fmt.Errorf("no key %q", u.key)
	}
	if s.versions[i] != u.version && u.version != always {
		return s, fmt.Errorf("update of %s is for version %d, now %d", u.key, u.version, s.versions[i])
	}
	s.versions[i]++
	s.seq++
	switch u.key {
	case keyLimits:
		s.limits = u.value % len(limitSets)
	case keyWriters:
		s.writers = u.value&everybody | 1 // one client always may
	case keyBrokers:
		s.brokers = u.value
	case keyLevel:
		s.level = max(s.level, u.value)
	case keyStage:
		s.stage++
	}
	return s, nil
}

func (s settings) batch() machine.Limits { return limitSets[s.limits] }

// maintained reports whether the channel is in maintenance mode.
func (s settings) maintained() bool {
	return s.stage == stageKafkaMaintenance || s.stage == stageSharedMaintenance || s.stage == stageLeaving
}

// left reports whether Raft orders the channel.
func (s settings) left() bool { return s.stage == stageLeft }

// consensusType returns the type in the config.
func (s settings) consensusType() string {
	if s.stage < stageSharedMaintenance {
		return "kafka"
	}
	return "etcdraft"
}

// allows returns why an envelope is invalid at this config, by the checks that all orderers
// agree on; nil if it is valid.
func (s settings) allows(c content) error {
	switch {
	case c.size > int(s.batch().AbsoluteMaxBytes):
		return fmt.Errorf("%d bytes, the channel takes %d", c.size, s.batch().AbsoluteMaxBytes)
	case c.client < 0 || c.client >= clients || s.writers>>c.client&1 == 0:
		return fmt.Errorf("client %d may not write", c.client)
	}
	return nil
}

// becomes returns the config that a config envelope would put in force.
func (s settings) becomes(c content) (settings, error) {
	switch {
	case c.update == nil:
		return s, fmt.Errorf("no config update in it")
	case c.seq != s.seq+1:
		return s, fmt.Errorf("config sequence %d does not follow %d", c.seq, s.seq)
	}
	return s.apply(c.update)
}

// newest is the level that the newest build supports.
const newest = 2

// lacks returns what a config needs and the orderer's build does not support; empty for
// nothing.
func (o *Orderer) lacks(s settings) string {
	if s.level <= o.knows {
		return ""
	}
	return fmt.Sprintf("the config needs level %d, this build knows %d", s.level, o.knows)
}
