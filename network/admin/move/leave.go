package move

import (
	"context"
	"fmt"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/network/admin/command"
)

// answerTimeout is how long orderers may take to answer, by default.
const answerTimeout = 30 * time.Second

// LeaveCommand returns the command leave.
func LeaveCommand() *cobra.Command {
	m := &move{transition: transition{from: shared, to: raft, by: toRaft}}
	var file string
	var noPorts bool
	c := &cobra.Command{
		Use:   "leave CHANNEL --consenters FILE --orderer HOST:PORT...",
		Short: "Give a channel of type etcdraft that is ordered through Kafka to Fabric's Raft",
		Long: `Give a channel of type etcdraft that is ordered through Kafka to Fabric's own Raft, permanently.

It submits three config updates: one into maintenance mode, in which clients are refused; one that
names the consenters and removes the brokers; and one out of maintenance mode. After the second one the
channel stops on every orderer; the command says when to restart them, and waits until they have a leader.
Name every orderer of the channel. Each step begins once all have the block of the one before: all
that was acknowledged is in a block by then. If the command is interrupted, run it again: it continues.

--consenters is a list in YAML, with the names of configtx.yaml and files relative to it:

  - {Host: orderer1.example.com, Port: 7050, ClientTLSCert: orderer1.crt, ServerTLSCert: orderer1.crt}

The certificates must be issued by the TLS authorities of the channel's orderer organizations, and
each consenter must present its own at its port. The identity is that of an administrator of an
orderer organization; no right in Kafka is needed.`,
		Example: "  osnkafka leave mychannel --consenters consenters.yaml --orderer orderer1:7050 --orderer orderer2:7050 \\\n" +
			"    --cafile tlsca.pem --mspdir admin/msp --mspid OrdererMSP --dry-run",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	m.prepare = func(ctx context.Context, t *command.Target, s agreed) (change, error) {
		to, consenters, err := consentersOf(ctx, file, s.config, !noPorts)
		if err == nil && len(t.Orderers) > consenters {
			err = fmt.Errorf("%d orderers have the channel, and --consenters has %d: an orderer that is not a consenter would get no further blocks of the channel; remove the channel from it first (osnadmin channel remove), and name it with --without if the config still has it", len(t.Orderers), consenters)
		}
		if err != nil {
			return nil, err
		}
		return to, m.possible(s, to)
	}
	c.RunE = m.Run(nil, command.NeedOrderers, m.run)
	m.AddOrderers(c)
	m.AddCommon(c, answerTimeout)
	m.addFlags(c.Flags())
	c.Flags().StringVar(&file, "consenters", "", "YAML file with the consenters (required)")
	c.Flags().DurationVar(&m.settle, "settle", 20*time.Second, "how long to wait in maintenance mode before the change, for what orderers had accepted and were appending: more than the orderers' Timeouts.Ready and Timeouts.Append together")
	c.Flags().BoolVar(&noPorts, "no-ports", false, "do not connect to the consenters' ports, if they can be reached from the orderers' network only")
	command.MustMark(c.MarkFlagRequired("consenters"))
	command.MustMark(c.MarkFlagFilename("consenters", "yaml", "yml"))
	return c
}

// consentersOf returns the change of a config to the consenters in a file, and their number. It refuses consenters that
// Raft would not accept.
func consentersOf(ctx context.Context, file string, config *cb.Config, ports bool) (to change, consenters int, err error) {
	list, err := readConsenters(file)
	if err != nil {
		return nil, 0, command.Usagef("--consenters %s: %w", file, err)
	}
	to = func(config *cb.Config) error { return handOver(config, list) }
	next := proto.Clone(config).(*cb.Config)
	if err := to(next); err != nil {
		return nil, 0, err
	}
	is, err := form.Read(next)
	if err != nil {
		return nil, 0, err
	}
	if err := form.CheckRaft(is.Metadata); err != nil {
		return nil, 0, fmt.Errorf("--consenters %s: Raft would not start: %w", file, err)
	}
	if err := issued(list, config); err != nil {
		return nil, 0, fmt.Errorf("--consenters %s: %w", file, err)
	}
	if ports {
		err = presented(ctx, list)
	}
	return to, len(list), err
}

// handOver makes a config that of a Raft channel with these consenters.
func handOver(config *cb.Config, list []*etcdraft.Consenter) error {
	delete(config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey].GetValues(), brokers.Key)
	return setConsensus(config, func(c *ab.ConsensusType) error {
		m := &etcdraft.ConfigMetadata{}
		if err := proto.Unmarshal(c.Metadata, m); err != nil {
			return err
		}
		m.Consenters = list
		raw, err := proto.Marshal(m)
		c.Metadata = raw
		return err
	})
}
