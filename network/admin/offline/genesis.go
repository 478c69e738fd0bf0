package offline

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hyperledger/fabric/protoutil"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/genesis"
)

// rewrite are the flags of the command genesis.
type rewrite struct {
	command.Flags
	from, out string
	brokers   []string
}

// GenesisCommand returns the command genesis.
func GenesisCommand() *cobra.Command {
	var g rewrite
	c := &cobra.Command{
		Use:   "genesis --from BLOCK --brokers HOST:PORT,... --out BLOCK",
		Short: "Convert a solo or etcdraft block of configtxgen to type kafka",
		Long: `Convert a solo or etcdraft block of configtxgen to type kafka with these brokers.
Each is HOST:PORT, with letters, digits, dots and hyphens in the host: orderers and peers of Fabric 2.5
exit at anything else. Other addresses of brokers go into Consensus.Kafka.Brokers of each orderer.`,
		Example:           "  osnkafka genesis --from solo.block --brokers kafka1:9092,kafka2:9092 --out mychannel.block",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return g.RunOffline(c, g.write) },
	}
	f := c.Flags()
	f.StringVar(&g.from, "from", "", "config block to read (required)")
	f.StringSliceVar(&g.brokers, "brokers", nil, "brokers of the channel (required)")
	f.StringVar(&g.out, "out", "", "block to write (required)")
	for _, name := range []string{"from", "brokers", "out"} {
		command.MustMark(c.MarkFlagRequired(name))
	}
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
	block, err := os.ReadFile(g.from)
	if err != nil {
		return command.Usage(err)
	}
	if block, err = genesis.Rewrite(block, g.brokers); err != nil {
		return fmt.Errorf("%s: %w", g.from, err)
	}
	made, err := protoutil.UnmarshalBlock(block)
	if err != nil {
		return err
	}
	if err := replaceFile(g.out, block); err != nil {
		return command.Usage(err)
	}
	return p.Show(rewritten{g.out, g.brokers, fmt.Sprintf("%x", protoutil.BlockHeaderHash(made.Header))})
}

// rewritten describes a converted block.
type rewritten struct {
	Out     string   `json:"out"`
	Brokers []string `json:"brokers"`
	Hash    string   `json:"headerHash"`
}

func (r rewritten) Value() any { return r }

func (r rewritten) Table(out io.Writer) error {
	_, err := fmt.Fprintf(out, "%s: of type kafka, brokers %s, header hash %s\n", r.Out, strings.Join(r.Brokers, ", "), r.Hash)
	return err
}

func (r rewritten) Verdict() error { return nil }
