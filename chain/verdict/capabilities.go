package verdict

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hyperledger/fabric/common/capabilities"
	"github.com/hyperledger/fabric/common/channelconfig"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// knowledge reports whether a build knows a capability of a group of the channel
// config: channelconfig.ChannelGroupKey, OrdererGroupKey or ApplicationGroupKey.
type knowledge func(group, capability string) bool

// thisBuild is the knowledge of the Fabric that this orderer is compiled with.
//
// That Fabric supports a capability is not enough: main of April 2023 lists V3_0, but treats it like
// V2_0. Fabric 3.0, which gave V3_0 its meaning, refuses configs and accepts identities where that draft
// does not.
func thisBuild(group, capability string) bool {
	one := map[string]*fabric.Capability{capability: {}}
	switch group {
	case channelconfig.ChannelGroupKey:
		p := capabilities.NewChannelProvider(one)
		return p.Supported() == nil && (capability != capabilityV3 || !draft(p))
	case channelconfig.OrdererGroupKey:
		return capabilities.NewOrdererProvider(one).Supported() == nil
	case channelconfig.ApplicationGroupKey:
		return capabilities.NewApplicationProvider(one).Supported() == nil
	}
	return false
}

// capabilityV3 is the channel capability of Fabric 3.0.
const capabilityV3 = "V3_0"

// draft reports whether a provider of V3_0 verifies identities as V2_0 does.
func draft(p *capabilities.ChannelProvider) bool {
	before := capabilities.NewChannelProvider(map[string]*fabric.Capability{capabilities.ChannelV2_0: {}})
	return p.MSPVersion() == before.MSPVersion()
}

// capabilitiesOf decodes the capabilities of a group; none if they do not decode.
func capabilitiesOf(group *fabric.ConfigGroup) map[string]*fabric.Capability {
	list := &fabric.Capabilities{}
	if err := fabric.Unmarshal(group.GetValues()[channelconfig.CapabilitiesKey].GetValue(), list); err != nil {
		return nil
	}
	return list.Capabilities
}

var namedByRelease = regexp.MustCompile(`^V([0-9]{1,4}(_[0-9]{1,4}){1,3})$`)

const newerRelease = "a newer release of Fabric may"

// releaseOf names the Fabric release that a capability is named after.
func releaseOf(capability string) string {
	if m := namedByRelease.FindStringSubmatch(capability); m != nil {
		return fmt.Sprintf("Fabric %s introduced it", strings.ReplaceAll(m[1], "_", "."))
	}
	return newerRelease
}
