package main

import (
	"context"
	"fmt"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/stress/chaos"
	"github.com/fabric-kafka/orderer/network/stress/history"
)

// sumFile is the file that --report names, for a part of these settings.
type sumFile struct {
	file     string // empty: no report is asked for
	settings chaos.Settings
}

// newSumFile returns an error if the part cannot be added to the file, before the part is run.
func newSumFile(ctx context.Context, file string, config chaos.Config) (f sumFile, err error) {
	if f.file = file; file == "" {
		return f, nil
	}
	sum, err := chaos.ReadSum(file)
	if err != nil {
		return f, err
	}
	if f.settings, err = chaos.SettingsOf(config); err != nil {
		return f, err
	}
	d := config.Network.Descriptor()
	reader, err := fabricnet.NewReader(config.Network.Dir(), d)
	if err != nil {
		return f, err
	}
	return f, sum.Continues(f.settings, func(number uint64) (string, error) {
		b, err := reader.Block(ctx, d.Orderers[0].Name, config.Channel, number)
		if err != nil {
			return "", err
		}
		s, err := client.Summarize(b)
		return s.HeaderHash, err
	})
}

// add adds the part to what the file holds now, and prints the sum.
func (f sumFile) add(events []history.Event, report history.Report) error {
	if f.file == "" {
		return nil
	}
	sum, err := chaos.ReadSum(f.file)
	if err != nil {
		return err
	}
	if err := sum.Add(chaos.Part{Settings: f.settings, Events: events, Report: report}); err != nil {
		return err
	}
	if err := sum.Save(f.file); err != nil {
		return err
	}
	fmt.Printf("\nall parts in %s:\n%s", f.file, sum)
	return nil
}
