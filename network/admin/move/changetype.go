package move

import (
	"context"

	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/genesis"
)

// ChangeTypeCommand returns the command change-type.
func ChangeTypeCommand() *cobra.Command {
	m := &move{transition: transition{from: kafka, to: shared, by: toType}}
	c := &cobra.Command{
		Use:   "change-type CHANNEL --orderer HOST:PORT...",
		Short: "Change a channel from type kafka to type etcdraft, ordered through Kafka as before",
		Long: `Change a channel from consensus type kafka to type etcdraft with brokers and without consenters, which
stock peers of Fabric 3.1 follow. The same orderers continue on the same topic; none is restarted.

It submits three config updates: one into maintenance mode, in which clients are refused; the change;
and one out of maintenance mode. Name every orderer of the channel. Each step begins once all have the
block of the one before. If the command is interrupted, run it again: it continues.

Orderers on Fabric 3 refuse this change: make it while they are on 2.5. The identity is that of an
administrator of an orderer organization; no right in Kafka is needed.`,
		Example: "  osnkafka change-type mychannel --orderer orderer1:7050 --orderer orderer2:7050 \\\n" +
			"    --cafile tlsca.pem --mspdir admin/msp --mspid OrdererMSP",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	m.prepare = func(ctx context.Context, t *command.Target, s agreed) (change, error) {
		if err := m.possible(s, retype); err != nil {
			return nil, err
		}
		return retype, strict(ctx, t)
	}
	c.RunE = m.Run(nil, command.NeedOrderers, m.run)
	m.AddOrderers(c)
	m.AddCommon(c, answerTimeout)
	m.addFlags(c.Flags())
	return c
}

// retype makes a config of type kafka one of type etcdraft that is ordered through Kafka.
func retype(config *cb.Config) error {
	return setConsensus(config, func(c *ab.ConsensusType) error {
		next, err := genesis.Shared(c)
		if err != nil {
			return err
		}
		c.Type, c.Metadata = next.Type, next.Metadata
		return nil
	})
}
