package verdict

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hyperledger/fabric/common/capabilities"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/msp"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/session"
)

// shape describes what every line of Fabric knows in a group of the channel config.
type shape struct {
	values map[string]func() fabric.Message
	groups map[string]*shape
	org    *shape // of groups of any other name; nil if there are none
}

func messageOf[T any, P interface {
	*T
	fabric.Message
}]() fabric.Message {
	return P(new(T))
}

// ordererConsenters is the value that names the consenters of type BFT. Fabric 2.5
// does not know it, and its peers crash on a config that has it.
const ordererConsenters = "Orderers"

var channelShape = &shape{
	values: map[string]func() fabric.Message{
		channelconfig.HashingAlgorithmKey:          messageOf[fabric.HashingAlgorithm],
		channelconfig.BlockDataHashingStructureKey: messageOf[fabric.BlockDataHashingStructure],
		channelconfig.OrdererAddressesKey:          messageOf[fabric.OrdererAddresses],
		channelconfig.ConsortiumKey:                messageOf[fabric.Consortium],
		channelconfig.CapabilitiesKey:              messageOf[fabric.Capabilities],
		ordererConsenters:                          nil, // refused by every build, whatever is in it
	},
	groups: map[string]*shape{
		channelconfig.OrdererGroupKey: {
			values: map[string]func() fabric.Message{
				channelconfig.ConsensusTypeKey:       messageOf[fabric.ConsensusType],
				channelconfig.BatchSizeKey:           messageOf[fabric.BatchSize],
				channelconfig.BatchTimeoutKey:        messageOf[fabric.BatchTimeout],
				channelconfig.ChannelRestrictionsKey: messageOf[fabric.ChannelRestrictions],
				channelconfig.CapabilitiesKey:        messageOf[fabric.Capabilities],
				brokers.Key:                          messageOf[fabric.KafkaBrokers],
				ordererConsenters:                    nil,
			},
			org: &shape{values: map[string]func() fabric.Message{
				channelconfig.MSPKey:       messageOf[fabric.MSPConfig],
				channelconfig.EndpointsKey: messageOf[fabric.OrdererAddresses],
			}},
		},
		channelconfig.ApplicationGroupKey: {
			values: map[string]func() fabric.Message{
				channelconfig.ACLsKey:         messageOf[fabric.ACLs],
				channelconfig.CapabilitiesKey: messageOf[fabric.Capabilities],
			},
			org: &shape{values: map[string]func() fabric.Message{
				channelconfig.MSPKey:         messageOf[fabric.MSPConfig],
				channelconfig.AnchorPeersKey: messageOf[fabric.AnchorPeers],
			}},
		},
		channelconfig.ConsortiumsGroupKey: nil, // refused by every build
	},
}

// unknownCheck looks for what a config update adds to a channel config and this build may not know. Another build may
// know it, and could reach a different verdict on the update: the error wraps session.ErrUnknown. What the update
// leaves unchanged was judged when it was added.
type unknownCheck struct {
	knows knowledge
	shape *shape // of /Channel
}

// config compares the config in force with the next.
func (u unknownCheck) config(now, next *fabric.Config) error {
	return u.group("", channelconfig.ChannelGroupKey, u.shape, now.GetChannelGroup(), next.GetChannelGroup())
}

// update looks for fields of the update itself. Only the strict rules ask: in-tree orderers ignore what does not get
// into the config.
func (u unknownCheck) update(update *fabric.ConfigUpdate) error {
	if hasUnknown(fabric.Reflect(update)) {
		return requiresNewer("fields of the update")
	}
	return nil
}

// CheckJoin returns an error for the config of a channel by which this build can judge no
// record: its chain would stop at the first one.
func CheckJoin(config *fabric.Config) error {
	var unknowable unknownError
	if !errors.As(unknownCheck{knows: thisBuild}.inForce(config), &unknowable) {
		return nil
	}
	return fmt.Errorf("%s; join with an orderer built on a release that knows it", unknowable.facts())
}

// inForce looks for capabilities in force that make another build judge differently from this one: Fabric's main of
// April 2023 starts a channel with its draft of V3_0.
func (u unknownCheck) inForce(config *fabric.Config) error {
	for _, g := range []struct {
		name  string
		group *fabric.ConfigGroup
	}{{channelconfig.ChannelGroupKey, config.GetChannelGroup()}, {channelconfig.OrdererGroupKey, ordererGroup(config)}} {
		for _, c := range slices.Sorted(maps.Keys(capabilitiesOf(g.group))) {
			if !u.knows(g.name, c) {
				return unknownError{fmt.Sprintf("the channel config has capability %.64q of group %s", c, g.name), releaseOf(c)}
			}
		}
	}
	return nil
}

// unknownError names something that this build does not know, and which release does.
type unknownError struct{ what, known string }

func (e unknownError) Error() string {
	return e.facts() + "; replace this orderer with a build for a release that knows it"
}

func (e unknownError) facts() string {
	return fmt.Sprintf("%s, which this build does not know: %s", e.what, e.known)
}

func (unknownError) Unwrap() error { return session.ErrUnknown }

// requiresRelease returns the error for what a config update asks for and only a release, given as text, knows.
func requiresRelease(release, format string, args ...any) error {
	return unknownError{"the config update asks for " + fmt.Sprintf(format, args...), release}
}

// requiresNewer returns the error for what no release knows so far.
func requiresNewer(format string, args ...any) error {
	return requiresRelease(newerRelease, format, args...)
}

func (u unknownCheck) group(parent, name string, s *shape, now, next *fabric.ConfigGroup) error {
	path := parent + "/" + name
	if s == nil || next == nil {
		return nil
	}
	if unknown := fabric.Reflect(next).GetUnknown(); !bytes.Equal(unknown, fabric.Reflect(now).GetUnknown()) {
		return fmt.Errorf("group %s: ConfigGroup with %d bytes of unknown fields", path, len(unknown))
	}
	if err := u.capabilities(name, path, now, next); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(next.Values)) {
		if err := u.value(path, key, s, now.GetValues()[key], next.Values[key]); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(next.Policies)) {
		if err := u.policy(path+"/"+key, now.GetPolicies()[key], next.Policies[key]); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(next.Groups)) {
		inner, ok := s.groups[key]
		if !ok {
			if inner = s.org; inner == nil {
				return requiresNewer("group %s/%s", path, key)
			}
		}
		if err := u.group(path, key, inner, now.GetGroups()[key], next.Groups[key]); err != nil {
			return err
		}
	}
	return nil
}

// capabilities checks those that are new in a group.
func (u unknownCheck) capabilities(name, path string, now, next *fabric.ConfigGroup) error {
	before := capabilitiesOf(now)
	for _, c := range slices.Sorted(maps.Keys(capabilitiesOf(next))) {
		if _, old := before[c]; !old && !u.knows(name, c) {
			return requiresRelease(releaseOf(c), "capability %.64q of %s", c, path)
		}
	}
	if name == channelconfig.ApplicationGroupKey && brings(now, next, channelconfig.ACLsKey) {
		return u.accessLists(path, capabilitiesOf(next))
	}
	return nil
}

// accessLists checks whether a group may have access lists, which depends on its capabilities. Fabric lets orderers
// serve an application whose capabilities they do not know, so such a capability can be in force.
func (u unknownCheck) accessLists(path string, enabled map[string]*fabric.Capability) error {
	known := maps.Clone(enabled)
	maps.DeleteFunc(known, func(c string, _ *fabric.Capability) bool { return !u.knows(channelconfig.ApplicationGroupKey, c) })
	if len(known) == len(enabled) || capabilities.NewApplicationProvider(known).ACLs() {
		return nil
	}
	return requiresNewer("value %s/%s by a capability", path, channelconfig.ACLsKey)
}

func (u unknownCheck) value(path, key string, s *shape, now, next *fabric.ConfigValue) error {
	newMessage, ok := s.values[key]
	switch {
	case fabric.Equal(now, next):
		return nil
	case !ok:
		return requiresNewer("value %s/%s", path, key)
	case newMessage == nil:
		return nil
	}
	m := newMessage()
	if err := fabric.Unmarshal(next.GetValue(), m); err != nil {
		return nil // every build refuses it
	}
	at := path + "/" + key
	switch known := m.(type) {
	case *fabric.ConsensusType:
		known.State = fabric.StateNormal // checkConsensus refuses what it should not be
	case *fabric.HashingAlgorithm:
		if !slices.Contains(blockHashes, known.Name) {
			return requiresNewer("hashing algorithm %.64q in %s", known.Name, at)
		}
	case *fabric.MSPConfig:
		if err := mspConfig(path, known); err != nil {
			return err
		}
	}
	if hasUnknown(fabric.Reflect(next)) || hasUnknown(fabric.Reflect(m)) {
		return requiresNewer("fields of value %s", at)
	}
	return nil
}

// Names that every line knows, as Fabric's bccsp has them.
var (
	blockHashes    = []string{"SHA256", "SHA3_256"}
	identityHashes = []string{"SHA256", "SHA384", "SHA3_256", "SHA3_384"}
	hashFamilies   = []string{"SHA2", "SHA3"}
)

func mspConfig(path string, config *fabric.MSPConfig) error {
	switch msp.ProviderType(config.Type) {
	case msp.FABRIC:
	case msp.IDEMIX:
		return nil
	default:
		return requiresNewer("an MSP of type %d in %s", config.Type, path)
	}
	inner := &fabric.FabricMSPConfig{}
	if err := fabric.Unmarshal(config.Config, inner); err != nil {
		return nil
	}
	hash := inner.CryptoConfig
	switch {
	case hasUnknown(fabric.Reflect(inner)):
		return requiresNewer("fields of the MSP in %s", path)
	case hash.GetSignatureHashFamily() != "" && !slices.Contains(hashFamilies, hash.GetSignatureHashFamily()),
		hash.GetIdentityIdentifierHashFunction() != "" && !slices.Contains(identityHashes, hash.GetIdentityIdentifierHashFunction()):
		return requiresNewer("a hash function of the MSP in %s", path)
	}
	return nil
}

func (u unknownCheck) policy(path string, now, next *fabric.ConfigPolicy) error {
	if fabric.Equal(now, next) {
		return nil
	}
	var m fabric.Message
	switch kind := next.GetPolicy().GetType(); kind {
	case fabric.PolicySignature:
		m = &fabric.SignaturePolicyEnvelope{}
	case fabric.PolicyImplicitMeta:
		m = &fabric.ImplicitMetaPolicy{}
	case 0, fabric.PolicyMSP:
		return nil // every build refuses them
	default:
		return requiresNewer("a policy of type %d, %s", kind, path)
	}
	if err := fabric.Unmarshal(next.GetPolicy().GetValue(), m); err != nil {
		return nil
	}
	if hasUnknown(fabric.Reflect(next)) || hasUnknown(fabric.Reflect(m)) || hasUnknownRole(m) {
		return requiresNewer("fields of policy %s", path)
	}
	return nil
}

// hasUnknownRole reports whether a signature policy asks for a role that this build does not know.
func hasUnknownRole(m fabric.Message) bool {
	signatures, _ := m.(*fabric.SignaturePolicyEnvelope)
	for _, p := range signatures.GetIdentities() {
		role := &fabric.MSPRole{}
		if p.GetPrincipalClassification() == fabric.PrincipalRole && fabric.Unmarshal(p.GetPrincipal(), role) == nil && hasUnknown(fabric.Reflect(role)) {
			return true
		}
	}
	return false
}

// hasUnknown reports whether a message, or one in it, has fields or enum values
// that this build does not know.
func hasUnknown(m protoreflect.Message) (found bool) {
	if len(m.GetUnknown()) > 0 {
		return true
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		found = anyIn(f, v)
		return !found
	})
	return found
}

func anyIn(f protoreflect.FieldDescriptor, v protoreflect.Value) (found bool) {
	switch {
	case f.IsMap():
		v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
			found = one(f.MapValue(), v)
			return !found
		})
		return found
	case f.IsList():
		for i := range v.List().Len() {
			if one(f, v.List().Get(i)) {
				return true
			}
		}
		return false
	}
	return one(f, v)
}

// one checks a single value: a message, or the number of an enum value.
func one(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
	switch {
	case f.Message() != nil:
		return hasUnknown(v.Message())
	case f.Enum() != nil:
		return f.Enum().Values().ByNumber(v.Enum()) == nil
	}
	return false
}
