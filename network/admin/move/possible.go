package move

import (
	"fmt"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/capabilities"
	"github.com/hyperledger/fabric/common/channelconfig"

	"github.com/fabric-kafka/orderer/chain/form"
)

// possible returns an error if the config shows that orderers would refuse a change. It is called before maintenance mode,
// since clients are refused from then on.
func (m *move) possible(s agreed, to change) error {
	if err := migrates(s.config); err != nil {
		return err
	}
	next := proto.Clone(s.config).(*cb.Config)
	if err := to(next); err != nil {
		return err
	}
	is, err := form.Read(next)
	if err != nil {
		return err
	}
	if got := orderingOf(is); got != m.transition.to {
		return fmt.Errorf("the change would leave the channel ordered by %s instead of %s: its config needs KafkaBrokers with at least one host:port", got, m.transition.to)
	}
	return nil
}

// migrates returns an error unless the channel and its orderers have a capability with which it can be ordered another way.
func migrates(config *cb.Config) error {
	root := config.GetChannelGroup()
	of := func(group *cb.ConfigGroup) (map[string]*cb.Capability, error) {
		c := &cb.Capabilities{}
		err := proto.Unmarshal(group.GetValues()[channelconfig.CapabilitiesKey].GetValue(), c)
		return c.GetCapabilities(), err
	}
	channel, err := of(root)
	if err != nil {
		return err
	}
	orderer, err := of(root.GetGroups()[channelconfig.OrdererGroupKey])
	if err != nil {
		return err
	}
	if !capabilities.NewChannelProvider(channel).ConsensusTypeMigration() || !capabilities.NewOrdererProvider(orderer).ConsensusTypeMigration() {
		return fmt.Errorf("how a channel is ordered can change only with capability V1_4_2 or later in /Channel and in /Channel/Orderer: update both first")
	}
	return nil
}
