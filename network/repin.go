package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/admin"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

func repinCommand() *cobra.Command {
	var restart bool
	c := &cobra.Command{
		Use:   "repin",
		Short: "Let orderers accept a topic that was moved with its records at their offsets",
		Long: admin.RepinLong + `
With --restart the setting is put into this network's orderers, and they are restarted.`,
		Args: cobra.NoArgs,
		RunE: changing(func(c *cobra.Command, n *fabricnet.Network, _ []string) error {
			return repin(c.Context(), n, channelOf(c, n), restart)
		}),
	}
	channelFlag(c)
	c.Flags().BoolVar(&restart, "restart", false, "put the setting into this network's orderers and restart them")
	return c
}

// repinTimeout is how long orderers and brokers may take to answer, and orderers to restart.
const repinTimeout = 2 * time.Minute

func repin(ctx context.Context, n *fabricnet.Network, channel string, restart bool) error {
	ctx, cancel := context.WithTimeout(ctx, repinTimeout)
	defer cancel()
	t := command.Target{Channel: channel}
	if err := ofNetwork(n, &t); err != nil {
		return err
	}
	if len(t.Orderers) == 0 {
		return errNoneRunning
	}
	r, err := admin.Repin(ctx, &t)
	if err != nil {
		return err
	}
	if err := r.Compared(os.Stdout); err != nil {
		return err
	}
	if set := n.Moved(channel); set == r.TopicID || set == "" && !r.Needed {
		return r.Nothing(os.Stdout)
	}
	if !restart {
		return r.Instruct(os.Stdout)
	}
	return n.SetMoved(ctx, channel, r.TopicID)
}
