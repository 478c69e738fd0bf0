package chain

import (
	"context"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// describe appends the description to a topic that has none at its end. Several
// orderers may do so at the same time: the first in the log counts, and any
// later one is passed over. The loop has nothing else to do until it is read.
// Once in a session is enough: another session first reads to the log's new end.
func (l *loop) describe(ctx context.Context) error {
	if l.described {
		return nil // not read back yet
	}
	value, err := describing(l.chain.start)
	if err != nil {
		return stop(err)
	}
	if err := l.append(ctx, value); err != nil {
		return fmt.Errorf("describe the topic: %w", err)
	}
	l.described = true
	return nil
}

func describing(s machine.Start) ([]byte, error) {
	d, err := record.EncodeDescription(&record.Description{
		FormatVersion: record.DescriptionVersion,
		RuleSet:       record.RuleSet_RULE_SET_STRICT,
		ChannelId:     s.Channel,
		GenesisHash:   s.GenesisHash,
	})
	if err != nil {
		return nil, err
	}
	return record.Encode(record.NewConnect(d))
}

// append appends for the loop, with the time limit of a client's append.
func (l *loop) append(ctx context.Context, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, l.chain.opts.AppendTimeout)
	defer cancel()
	return l.chain.append(ctx, value)
}
