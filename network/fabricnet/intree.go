package fabricnet

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fabric-kafka/orderer/network/genesis"
)

// systemChannel is the system channel of a network that begins with in-tree orderers.
const systemChannel = "system-channel"

// systemProfiles are added to configtx: the system channel of in-tree orderers, and the channels
// that they create. Their type is set afterwards, which any configtxgen allows.
const systemProfiles = `
  System:
    Policies: *policies
    Capabilities: {V2_0: true}
    Orderer: *orderer
    Consortiums: {Consortium: {Organizations: *organizations}}
  Creation:
    Consortium: Consortium
    Policies: *policies
    Capabilities: {V2_0: true}
    Application: *application
`

// inTree reports whether an orderer, by its number, has Fabric's own consenter.
func (n *Network) inTree(number int) bool {
	_, own := n.options.OrdererBins[number]
	return n.options.InTree != "" && !own
}

// bootstrap returns the settings of an orderer for its start: as long as its ledgers have a
// system channel, those that the network began with.
func (n *Network) bootstrap(o Orderer) []string {
	env := []string{"ORDERER_GENERAL_BOOTSTRAPMETHOD=none"}
	ledger := n.path(o.Dir, "ledger", "chains")
	if _, err := os.Stat(filepath.Join(ledger, systemChannel)); err == nil || n.inTree(numberOf(o.Name)) {
		env = []string{"ORDERER_GENERAL_BOOTSTRAPMETHOD=file", "ORDERER_GENERAL_BOOTSTRAPFILE=" + n.path(blockFile(systemChannel))}
	}
	if !n.inTree(numberOf(o.Name)) {
		return env
	}
	return append(env,
		"ORDERER_KAFKA_VERSION=2.8.0", // the newest that Fabric 2.5 names; brokers have dropped those before 2.1
		fmt.Sprintf("ORDERER_KAFKA_TOPIC_REPLICATIONFACTOR=%d", n.options.Replication),
		"ORDERER_KAFKA_RETRY_SHORTINTERVAL=500ms",
		"ORDERER_KAFKA_RETRY_NETWORKTIMEOUTS_DIALTIMEOUT=1s",
		"ORDERER_KAFKA_RETRY_NETWORKTIMEOUTS_READTIMEOUT=5s",
	)
}

// addInTreeSection adds the section of the in-tree consenter to a sample of a release that has none: an orderer reads
// only those environment variables whose keys are in its file.
func addInTreeSection(all tree) {
	if _, has := all["Kafka"]; has {
		return
	}
	all["Kafka"] = tree{
		"Retry": tree{
			"ShortInterval": "5s", "ShortTotal": "10m", "LongInterval": "5m", "LongTotal": "12h",
			"NetworkTimeouts": tree{"DialTimeout": "10s", "ReadTimeout": "10s", "WriteTimeout": "10s"},
			"Metadata":        tree{"RetryBackoff": "250ms", "RetryMax": 3},
			"Producer":        tree{"RetryBackoff": "100ms", "RetryMax": 3},
			"Consumer":        tree{"RetryBackoff": "2s"},
		},
		"Topic":   tree{"ReplicationFactor": 3},
		"Verbose": false,
		"Version": "2.8.0",
	}
}

// makeSystemChannel writes the genesis block of the system channel and the transactions that
// create the channels.
func (n *Network) makeSystemChannel(ctx context.Context) error {
	var text bytes.Buffer
	if err := configtx.Execute(&text, n.channelData("solo")); err != nil {
		return err
	}
	text.WriteString(systemProfiles)
	if err := writeFile(n.path("config", "configtx-"+systemChannel, "configtx.yaml"), text.Bytes(), 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(n.path("blocks"), 0o755); err != nil {
		return err
	}
	configtxgen := func(args ...string) error {
		_, err := n.tool(ctx, "configtxgen", nil, append([]string{"-configPath", n.path("config", "configtx-"+systemChannel)}, args...)...)
		return err
	}
	file := n.path(blockFile(systemChannel))
	if err := configtxgen("-profile", "System", "-channelID", systemChannel, "-outputBlock", file); err != nil {
		return err
	}
	if err := rewrite(file, func(block []byte) ([]byte, error) { return genesis.System(block, n.options.inTreeBrokers()) }); err != nil {
		return err
	}
	for _, c := range n.options.Channels {
		if err := configtxgen("-profile", "Creation", "-channelID", c, "-outputCreateChannelTx", n.path("blocks", c+".tx")); err != nil {
			return err
		}
	}
	return nil
}

// inTreeBrokers returns the addresses of the brokers as the channels of in-tree orderers name them: with a proxy, those of
// the only orderer's links.
func (o Options) inTreeBrokers() []string {
	if o.Proxied {
		return o.linked(ordererName(0))
	}
	return o.brokers()
}

// createChannels creates the channels through the system channel, and waits until every orderer
// has them.
func (n *Network) createChannels(ctx context.Context) error {
	for _, c := range n.options.Channels {
		args := append([]string{"channel", "create", "-c", c, "-f", n.path("blocks", c+".tx"), "--outputBlock", n.path(blockFile(c)), "-t", "60s"}, n.ordererFlags()...)
		create := func(ctx context.Context) error {
			_, err := n.tool(ctx, "peer", n.peerCLI(0), args...)
			return err
		}
		if err := retried(ctx, create); err != nil { // the system channel accepts it once it has its topic
			return err
		}
		for i := range n.options.Orderers {
			has := func(ctx context.Context) error {
				_, err := n.Info(ctx, ordererName(i), c)
				return err
			}
			if err := retried(ctx, has); err != nil {
				return err
			}
		}
	}
	return nil
}

// retried runs f until it succeeds, for at most [startTimeout].
func retried(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var last error
	for {
		err := f(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", startTimeout, cmp.Or(last, err))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Replace stops an orderer or a peer and starts the one in another folder of binaries on its ledgers.
func (n *Network) Replace(ctx context.Context, name, bin string) error {
	if err := n.SetBin(name, bin); err != nil {
		return err
	}
	if n.Alive(name) {
		if err := n.Stop(name); err != nil {
			return err
		}
	}
	return n.Start(ctx, name)
}

// SetBin sets the folder of binaries that an orderer or a peer has from its next start on. Its configuration is
// that of the same release.
func (n *Network) SetBin(name, bin string) error {
	abs, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	return n.change(func() error {
		bins, write := &n.options.OrdererBins, n.writeOrdererConfig
		if number := numberOf(name); number >= 1 && number <= n.options.Peers && name == peerName(number-1) {
			bins, write = &n.options.PeerBins, n.writePeerConfig
		} else if _, err := n.Orderer(name); err != nil {
			return err
		}
		if *bins == nil {
			*bins = map[int]string{}
		}
		(*bins)[numberOf(name)] = abs
		if err := write(numberOf(name), ""); err != nil {
			return err
		}
		return n.save()
	})
}
