package inspect

import (
	"context"
	"errors"
	"fmt"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/engine"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/network/client"
)

// Move says that an orderer's ledger goes on in a topic.
type Move struct {
	Orderer string
	From    string         // id of the topic by the last block; empty if it names none
	To      string         // id of the topic now
	Next    machine.Offset // offset of the record that the orderer reads next
}

// CheckMove holds an orderer's last block against the topic that is there now, as
// the orderer does when it starts: bounds, and the record at the last offset. Only
// the topic's id may be another. An error says why the orderer could not go on.
func (r *Reader) CheckMove(ctx context.Context, orderer, channel string, topic log.Log) (Move, error) {
	id, err := topic.Identity(ctx)
	if err != nil {
		return Move{}, err
	}
	blocks, err := r.last(ctx, orderer, channel)
	if err != nil {
		return Move{}, err
	}
	tip := blocks[len(blocks)-1]
	position, err := engine.Position(uint64(tip.Number)+1, tip.Metadata)
	if err != nil {
		return Move{}, err
	}
	if position.Offset < 0 {
		return Move{}, errors.New("it has ordered nothing yet, and needs no new topic id: it goes on with whatever topic is its channel's")
	}
	start := machine.Start{Channel: channel, Next: tip.Number + 1, Metadata: position}
	e := engine.New(&ledger{channel: channel, topic: topic, blocks: blocks}, start, engine.Settings{MovedTo: id.TopicID}, engine.Events{})
	defer e.Close()
	if err := e.Connect(ctx); err != nil {
		return Move{}, err
	}
	return Move{Orderer: orderer, From: position.Topic, To: id.TopicID, Next: e.Next()}, nil
}

// last are the last two blocks of an orderer, or the only one.
func (r *Reader) last(ctx context.Context, orderer, channel string) (blocks []engine.Block, err error) {
	o, err := r.Dial(orderer)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	newest, err := o.Newest(ctx, r.who, channel)
	if err != nil {
		return nil, err
	}
	to := newest.Header.Number
	err = o.Deliver(ctx, r.who, channel, client.Range{From: max(to, 1) - 1, To: to, BestEffort: true}, func(b *cb.Block) error {
		metadata, err := protoutil.GetConsenterMetadataFromBlock(b)
		if err != nil {
			return err
		}
		blocks = append(blocks, engine.Block{Number: machine.BlockNumber(b.Header.Number), Envelopes: b.Data.Data,
			Config: protoutil.IsConfigBlock(b), Metadata: metadata.GetValue()})
		return nil
	})
	if err == nil && len(blocks) == 0 {
		err = fmt.Errorf("%s gave no block of channel %s", orderer, channel)
	}
	return blocks, err
}

// ledger is as much of an engine's host as a check needs.
type ledger struct {
	engine.Host // what is not here is never asked
	channel     string
	topic       log.Log
	blocks      []engine.Block
}

func (l *ledger) Channel() string           { return l.channel }
func (l *ledger) Log() (log.Log, error)     { return l.topic, nil }
func (l *ledger) Described()                {}
func (l *ledger) Moved(engine.Phase, error) {}

func (l *ledger) Block(n machine.BlockNumber) *engine.Block {
	for i := range l.blocks {
		if l.blocks[i].Number == n {
			return &l.blocks[i]
		}
	}
	return nil
}
