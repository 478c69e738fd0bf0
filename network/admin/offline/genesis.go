package offline

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hyperledger/fabric/protoutil"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/genesis"
)

// rewrite are the flags of the command genesis.
type rewrite struct {
	command.Flags
	from, out, kind string
	brokers         []string
}

// GenesisCommand returns the command genesis.
func GenesisCommand() *cobra.Command {
	var g rewrite
	c := &cobra.Command{
		Use:   "genesis --from BLOCK --brokers HOST:PORT,... --out BLOCK",
		Short: "Convert a solo or etcdraft block of configtxgen to a channel that is ordered through Kafka",
		Long: `Convert a solo or etcdraft block of configtxgen to the block of a channel that is ordered through Kafka.

Stock peers of Fabric 3.1 do not follow channels of type kafka. With --type etcdraft the channel has that type with
brokers and without consenters: such peers follow it, and Raft orderers refuse to join it.

Each broker is HOST:PORT, with letters, digits, dots and hyphens in the host: orderers and peers of Fabric 2.5
crash on anything else. Other addresses of brokers go into Consensus.Kafka.Brokers of each orderer.`,
		Example:           "  osnkafka genesis --from solo.block --brokers kafka1:9092,kafka2:9092 --out mychannel.block",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return g.RunOffline(c, g.write) },
	}
	f := c.Flags()
	f.StringVar(&g.from, "from", "", "config block to read (required)")
	f.StringSliceVar(&g.brokers, "brokers", nil, "brokers of the channel (required)")
	f.StringVar(&g.kind, "type", fabric.ConsensusTypeKafka, "consensus type of the channel: kafka, or etcdraft for stock peers of Fabric 3.1")
	f.StringVar(&g.out, "out", "", "block to write (required)")
	for _, name := range []string{"from", "brokers", "out"} {
		command.MustMark(c.MarkFlagRequired(name))
	}
	command.MustMark(c.RegisterFlagCompletionFunc("type", cobra.FixedCompletions([]string{fabric.ConsensusTypeKafka, form.SharedType}, cobra.ShellCompDirectiveNoFileComp)))
	for _, name := range []string{"from", "out"} {
		command.MustMark(c.MarkFlagFilename(name))
	}
	g.AddJSON(c)
	return c
}

func (g *rewrite) write(p command.Printer) error {
	if err := command.CheckBrokers(g.brokers); err != nil {
		return err
	}
	if g.kind != fabric.ConsensusTypeKafka && g.kind != form.SharedType {
		return command.Usage(fmt.Errorf("--type is %q: want %s or %s", g.kind, fabric.ConsensusTypeKafka, form.SharedType))
	}
	block, err := os.ReadFile(g.from)
	if err != nil {
		return command.Usage(err)
	}
	if block, err = genesis.Rewrite(block, g.kind, g.brokers); err != nil {
		return fmt.Errorf("%s: %w", g.from, err)
	}
	made, err := protoutil.UnmarshalBlock(block)
	if err != nil {
		return err
	}
	if err := replaceFile(g.out, block); err != nil {
		return command.Usage(err)
	}
	return p.Show(rewritten{g.out, g.kind, g.brokers, fmt.Sprintf("%x", protoutil.BlockHeaderHash(made.Header))})
}

// rewritten describes a converted block.
type rewritten struct {
	Out     string   `json:"out"`
	Type    string   `json:"type"`
	Brokers []string `json:"brokers"`
	Hash    string   `json:"headerHash"`
}

func (r rewritten) Value() any { return r }

func (r rewritten) Table(out io.Writer) error {
	_, err := fmt.Fprintf(out, "%s: of type %s, brokers %s, header hash %s\n", r.Out, r.Type, strings.Join(r.Brokers, ", "), r.Hash)
	return err
}

func (r rewritten) Err() error { return nil }
