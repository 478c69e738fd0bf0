package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/network/broker"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

func upCommand() *cobra.Command {
	var o fabricnet.Options
	var brokers []string
	c := &cobra.Command{
		Use:   "up",
		Short: "Start a network; returns when a transaction can be sent",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Dir, o.Progress = dirOf(c), os.Stderr
			if c.Flags().Changed("peers") && o.Peers == 0 {
				o.Peers = -1 // zero means the default
			}
			if err := o.UseBrokers(brokers); err != nil {
				return err
			}
			began := time.Now()
			_, err := fabricnet.Up(c.Context(), o)
			if err != nil {
				return fmt.Errorf("up: %w", err)
			}
			fmt.Printf("The network is up after %.1fs; %s describes it.\n", time.Since(began).Seconds(), filepath.Join(o.Dir, "network.json"))
			fmt.Printf("Next: go run ./network invoke --dir %[1]s put k v; go run ./network query --dir %[1]s get k; go run ./network blocks --dir %[1]s\n", o.Dir)
			return nil
		},
	}
	upFlags(c, &o, &brokers)
	return c
}

func upFlags(c *cobra.Command, o *fabricnet.Options, brokers *[]string) {
	f := c.Flags()
	f.StringSliceVar(&o.Channels, "channel", []string{"mychannel"}, "channels that are ordered through Kafka")
	f.StringVar(&o.Type, "type", fabric.ConsensusTypeKafka, "consensus type of these channels: kafka, or etcdraft for stock peers of Fabric 3.1")
	f.StringSliceVar(&o.Raft, "raft-channel", nil, "channels that are ordered by Raft, in addition to them")
	f.IntVar(&o.Orderers, "orderers", 3, "orderers")
	f.IntVar(&o.Peers, "peers", 2, "peers, alternating between Org1 and Org2")
	f.StringSliceVar(brokers, "brokers", []string{"embedded"}, "embedded, apache[:VERSION] for Apache Kafka (needs Java and Maven), or HOST:PORT of running brokers")
	f.IntVar(&o.LedgerDisk, "ledger-disk", 0, "size in MB of an in-memory disk for each orderer's ledger, which chaos can fill; needs root (0: none)")
	f.IntVar(&o.BrokerCount, "broker-count", 0, "brokers of Apache Kafka: 1, 3 or 5 (default 3)")
	f.BoolVar(&o.Proxied, "proxied", false, "put a proxy between orderers and brokers of Apache Kafka, for faults of chaos")
	f.StringSliceVar(&o.Compatible, "compatible", nil, "channels whose topics in-tree orderers wrote, or still write")
	f.StringArrayVar(&o.Settings, "set", nil, "setting of Consensus.Kafka for every orderer, in the form of an environment variable: TIMEOUTS_DIAL=2s; may be repeated")
	f.IntVar(&o.MaxMessages, "max-messages", 10, "maximal number of envelopes in a block")
	f.DurationVar(&o.BatchTimeout, "batch-timeout", 500*time.Millisecond, "time after which a block that is not full is cut")
	f.IntVar(&o.BasePort, "base-port", 17050, "lowest port; the network uses up to 600 from there")
	f.StringVar(&o.Bin, "bin", "", "folder with the binaries (default: build them into .build/bin)")
	f.StringVar(&o.Fabric, "fabric", "", "source tree of a Fabric release, 2.5.x or 3.x, to build the binaries from (default: the module in go.mod)")
	f.StringVar(&o.InTree, "in-tree", "", "folder with the orderer of Fabric 2.5 as released: begin with in-tree orderers and a system channel, with --fabric or --bin of 2.5")
	f.Var((*binaries)(&o.OrdererBins), "orderer-bin", "another folder for the binary of one orderer, as 2=DIR, to mix Fabric releases; may be repeated")
}

func replaceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "replace ORDERER DIR",
		Short: "Stop an orderer, and start the one in another folder of binaries on its ledgers",
		Args:  cobra.ExactArgs(2),
		RunE: changing(func(c *cobra.Command, n *fabricnet.Network, args []string) error {
			return n.Replace(c.Context(), args[0], args[1])
		}),
	}
}

// binaries is a flag with folders by number of the orderer.
type binaries map[int]string

func (b *binaries) String() string { return "" }
func (b *binaries) Type() string   { return "NUMBER=DIR" }

func (b *binaries) Set(s string) error {
	number, dir, ok := strings.Cut(s, "=")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || dir == "" {
		return fmt.Errorf("%q: want the number of an orderer and a folder, as 2=DIR", s)
	}
	if *b == nil {
		*b = binaries{}
	}
	(*b)[n] = dir
	return nil
}

func downCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End every process of the network and remove its folder",
		Long: "Ends every process of the network, even if its state was lost, and removes its folder.\n" +
			"If a process cannot be ended, the command names it, exits with 1, and keeps the folder.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return fabricnet.Down(dirOf(c), os.Stderr)
		},
	}
}

func startCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "start NAME...",
		Short: "Start processes: orderer2, broker, broker2, proxy, peer1, chaincode",
		Args:  cobra.MinimumNArgs(1),
		RunE: changing(func(c *cobra.Command, n *fabricnet.Network, names []string) error {
			for _, name := range names {
				if err := n.Start(c.Context(), name); err != nil {
					return err
				}
			}
			return nil
		}),
	}
}

func stopCommand() *cobra.Command {
	return endCommand("stop", "End processes gracefully (SIGTERM)", (*fabricnet.Network).Stop)
}

func killCommand() *cobra.Command {
	return endCommand("kill", "End processes at once (SIGKILL)", (*fabricnet.Network).Kill)
}

func endCommand(use, short string, end func(*fabricnet.Network, string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use + " NAME...",
		Short: short,
		Args:  cobra.MinimumNArgs(1),
		RunE: changing(func(_ *cobra.Command, n *fabricnet.Network, names []string) error {
			for _, name := range names {
				if err := end(n, name); err != nil {
					return err
				}
			}
			return nil
		}),
	}
}

func joinCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "join ORDERER CHANNEL",
		Short: "Make an orderer join a channel",
		Args:  cobra.ExactArgs(2),
		RunE: changing(func(c *cobra.Command, n *fabricnet.Network, args []string) error {
			var block []byte
			if file != "" {
				var err error
				if block, err = os.ReadFile(file); err != nil {
					return err
				}
			}
			return n.Join(c.Context(), args[0], args[1], block)
		}),
	}
	c.Flags().StringVar(&file, "block", "", "config block to join with (default: the channel's genesis block)")
	return c
}

func removeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ORDERER CHANNEL",
		Short: "Remove a channel and its blocks from an orderer; the topic is kept",
		Args:  cobra.ExactArgs(2),
		RunE: changing(func(c *cobra.Command, n *fabricnet.Network, args []string) error {
			return n.Remove(c.Context(), args[0], args[1])
		}),
	}
}

func invokeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "invoke FUNCTION ARGS...",
		Short: "Order a transaction of the sample chaincode (put K V, inc K [BY], del K) and wait for its block",
		Args:  cobra.MinimumNArgs(1),
		RunE: opened(func(c *cobra.Command, n *fabricnet.Network, args []string) error {
			if err := n.Invoke(c.Context(), channelOf(c, n), args...); err != nil {
				return err
			}
			fmt.Println("ordered, and valid on a peer of each organization")
			return nil
		}),
	}
	channelFlag(c)
	return c
}

func queryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "query FUNCTION ARGS...",
		Short: "Query a peer's ledger through the sample chaincode (get K)",
		Args:  cobra.MinimumNArgs(1),
		RunE: opened(func(c *cobra.Command, n *fabricnet.Network, args []string) error {
			out, err := n.Query(c.Context(), 1, channelOf(c, n), args...)
			if err == nil {
				fmt.Println(strings.TrimSpace(out))
			}
			return err
		}),
	}
	channelFlag(c)
	return c
}

func brokerCommand() *cobra.Command {
	var listen, data string
	c := &cobra.Command{
		Use:    "broker",
		Short:  "Serve the embedded broker in this process (what up starts)",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			return broker.Run(c.Context(), listen, data, os.Stdout)
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:9092", "address")
	c.Flags().StringVar(&data, "data", "", "folder for the records (required)")
	_ = c.MarkFlagRequired("data") // the flag exists
	return c
}
