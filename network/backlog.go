package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/stress/load"
)

func backlogCommand() *cobra.Command {
	var b backlog
	c := &cobra.Command{
		Use:   "backlog --records N",
		Short: "Measure how a fresh orderer replays a long topic: rate, and peak memory",
		Long: "Appends N signed envelopes directly to the channel's topic, bypassing the orderers, then removes the\n" +
			"channel from the last orderer, restarts it, joins it again from the genesis block, and measures the replay.",
		Args: cobra.NoArgs,
		RunE: changing(func(c *cobra.Command, n *fabricnet.Network, _ []string) error {
			b.network, b.channel = n, channelOf(c, n)
			return b.run(c.Context())
		}),
	}
	channelFlag(c)
	c.Flags().IntVar(&b.records, "records", 1_000_000, "records to append")
	c.Flags().IntVar(&b.size, "size", 2048, "bytes of an envelope")
	return c
}

// backlog is one measurement.
type backlog struct {
	network       *fabricnet.Network
	channel       string
	records, size int
}

func (b *backlog) run(ctx context.Context) error {
	began := time.Now()
	if err := b.fill(ctx); err != nil {
		return err
	}
	fmt.Printf("appended %d records of %d bytes in %.1fs\n", b.records, b.size, time.Since(began).Seconds())
	orderers := b.network.Descriptor().Orderers
	name := orderers[len(orderers)-1].Name
	if err := b.forget(ctx, name); err != nil {
		return err
	}
	began = time.Now()
	if err := b.network.Join(ctx, name, b.channel, nil); err != nil {
		return err
	}
	return b.follow(ctx, name, began)
}

// fill appends envelopes, as our orderers do.
func (b *backlog) fill(ctx context.Context) error {
	records, err := load.RecordsOf(ctx, b.network, b.channel, b.size, load.Ours)
	if err != nil {
		return err
	}
	return records.FillTopic(ctx, b.network.Descriptor().Brokers, b.channel, b.records)
}

// forget removes the channel from an orderer and restarts its process.
func (b *backlog) forget(ctx context.Context, name string) error {
	if err := b.network.Remove(ctx, name, b.channel); err != nil {
		return err
	}
	for { // the ledger is removed after the answer
		if _, err := b.network.Info(ctx, name, b.channel); err != nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := b.network.Stop(name); err != nil {
		return err
	}
	return b.network.Start(ctx, name)
}

// follow follows the replay to the end of the topic.
func (b *backlog) follow(ctx context.Context, name string, began time.Time) error {
	end := logEnd(ctx, b.network.Descriptor().Brokers, b.channel)
	if end == nil {
		return fmt.Errorf("the brokers do not report the end of topic %s", b.channel)
	}
	o, err := b.network.Orderer(name)
	if err != nil {
		return err
	}
	for {
		time.Sleep(time.Second)
		next, err := nextOffset(ctx, b.network, name, b.channel)
		if err != nil {
			return err
		}
		at := int64(0)
		if next != nil {
			at = *next
		}
		fmt.Fprintf(os.Stderr, "%s is at offset %d of %d, peak memory %s\n", name, at, *end, peakMemory(o.PID))
		if at+int64(b.network.Options().MaxMessages) >= *end { // the rest may be pending
			took := time.Since(began).Seconds()
			fmt.Printf("%s replayed %d records in %.1fs: %.0f records/s, peak memory (RSS) %s\n", name, at, took, float64(at)/took, peakMemory(o.PID))
			return nil
		}
	}
}

// peakMemory returns the peak resident size of a process as the kernel reports it.
func peakMemory(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
