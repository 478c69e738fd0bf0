package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/consenter"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/prune"
)

// fromFolder completes the target of an operator's command with the network in --dir.
func fromFolder(c *cobra.Command, t *command.Target) error {
	n, err := fabricnet.Open(dirOf(c))
	if err != nil {
		return fmt.Errorf("%w; with --brokers, --config or --orderer no network is needed", err)
	}
	if c.Flags().Lookup("channel") != nil && t.Channel == "" {
		t.Channel = channelOf(c, n)
	}
	return ofNetwork(n, t)
}

// withChannel adds the flag --channel to an operator's command.
func withChannel(c *cobra.Command) *cobra.Command {
	channelFlag(c)
	return c
}

// ofNetwork completes a target with a network's running orderers, with its brokers if no
// orderer is running, and with its first channel.
func ofNetwork(n *fabricnet.Network, t *command.Target) error {
	d := n.Descriptor()
	if t.Channel == "" {
		t.Channel = d.Channels[0].Name
	}
	if len(t.Orderers) == 0 {
		r, err := fabricnet.NewReader(n.Dir(), d)
		if err != nil {
			return err
		}
		t.Reader, t.Orderers = r, d.Running()
	}
	if len(t.Brokers) == 0 && t.Config == "" && len(t.Orderers) == 0 {
		t.Brokers = d.Brokers
	}
	return nil
}

// membersToo is fromFolder for commands that need the names of all orderers.
func membersToo(c *cobra.Command, t *command.Target) error {
	n, err := fabricnet.Open(dirOf(c))
	if err != nil {
		return fmt.Errorf("%w; for a channel of another network, give its newest config block: --config-block FILE", err)
	}
	if err := ofNetwork(n, t); err != nil {
		return err
	}
	if len(t.Orderers) == 0 {
		return errNoneRunning
	}
	for _, o := range n.Descriptor().Orderers {
		name, err := memberOf(n.Dir(), o)
		if err != nil {
			return err
		}
		t.Members = append(t.Members, prune.Orderer{Name: name, Addresses: []string{o.Address}})
	}
	return nil
}

var errNoneRunning = errors.New("no orderer is running; start one with: go run ./network start orderer1")

// memberOf returns the name of an orderer as in its consumer group, without the prefix.
func memberOf(dir string, o fabricnet.Orderer) (string, error) {
	certificates, err := filepath.Glob(filepath.Join(dir, o.MSPDir, "signcerts", "*.pem"))
	if err != nil || len(certificates) != 1 {
		return "", fmt.Errorf("%s: want one certificate in %s, found %d", o.Name, o.MSPDir, len(certificates))
	}
	b, err := os.ReadFile(certificates[0])
	return consenter.GroupOf("", o.MSPID, b)[1:], err
}
