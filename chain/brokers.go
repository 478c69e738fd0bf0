package chain

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/engine"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// ConsensusType is the type of the channels that this package orders.
const ConsensusType = engine.ConsensusType

// kafkaBrokersKey is the name of the broker list in a channel's orderer group.
const kafkaBrokersKey = "KafkaBrokers"

// Brokers reads the broker list of a channel config. The error names every
// entry that is not host:port; an empty list is one.
func Brokers(config *fabric.Config) ([]string, error) {
	group := config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey]
	value := group.GetValues()[kafkaBrokersKey]
	list := &fabric.KafkaBrokers{}
	if err := fabric.Unmarshal(value.GetValue(), list); err != nil {
		return nil, fmt.Errorf("decode the channel config's %s: %w", kafkaBrokersKey, err)
	}
	if len(list.Brokers) == 0 {
		return nil, fmt.Errorf("the channel config names no broker: put at least one host:port into /Channel/Orderer/%s", kafkaBrokersKey)
	}
	var faults []error
	for _, b := range list.Brokers {
		if err := CheckBroker(b); err != nil {
			faults = append(faults, fmt.Errorf("broker %q of the channel config: %w", b, err))
		}
	}
	return list.Brokers, errors.Join(faults...)
}

// checkNewBrokers checks the broker list in a config envelope, if the channel
// stays with Kafka by it.
func checkNewBrokers(envelope *fabric.Envelope) error {
	config := &fabric.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, fabric.HeaderTypeConfig, config); err != nil {
		return err
	}
	group := config.GetConfig().GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey]
	kind := &fabric.ConsensusType{}
	if err := fabric.Unmarshal(group.GetValues()[channelconfig.ConsensusTypeKey].GetValue(), kind); err != nil {
		return fmt.Errorf("decode the channel config's %s: %w", channelconfig.ConsensusTypeKey, err)
	}
	if kind.Type != ConsensusType {
		return nil
	}
	_, err := Brokers(config.Config)
	return err
}

// CheckBroker says what is wrong with the address of a broker; nil if it is host:port.
func CheckBroker(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("want host:port")
	}
	if host == "" {
		return errors.New("the host is missing")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("port %q is not between 1 and 65535", port)
	}
	return nil
}
