package inspect

import (
	"context"
	"errors"
	"fmt"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
	"github.com/fabric-kafka/orderer/network/client"
)

// Move is how an orderer's ledger continues in a topic.
type Move struct {
	From string         // id of the topic by the last block; empty if it names none
	To   string         // current id of the topic
	Next machine.Offset // offset of the record that the orderer reads next
}

// CheckMove compares an orderer's last blocks with the current topic, as the orderer
// does when it starts: bounds, and the records that the blocks were made from. Only the
// topic's id may differ. The error is why the orderer could not continue; one reason is that
// records were deleted, which cannot be compared.
func (r *Reader) CheckMove(ctx context.Context, orderer, channel string, topic log.Log) (Move, error) {
	id, err := topic.Identity(ctx)
	if err != nil {
		return Move{}, err
	}
	if id.TopicID == "" {
		return Move{}, errors.New("the brokers report no topic id (Kafka before 2.8), so orderers compare none: Topic.Moved is not needed there")
	}
	o, err := r.Dial(orderer)
	if err != nil {
		return Move{}, err
	}
	defer o.Close()
	newest, err := o.Newest(ctx, r.who, channel)
	if err != nil {
		return Move{}, err
	}
	l := &ledger{topic: topic, fetch: func(number uint64) (*cb.Block, error) { return o.Block(ctx, r.who, channel, number) }}
	last := blockOf(newest)
	if last == nil {
		return Move{}, fmt.Errorf("its block %d has no metadata that can be read", newest.Header.Number)
	}
	position, err := session.Position(uint64(last.Number)+1, last.Metadata)
	if err != nil {
		return Move{}, err
	}
	if position.Offset < 0 {
		return Move{}, ErrNothingOrdered
	}
	unchecked := machine.Offset(-1)
	start := machine.Start{Channel: channel, Next: last.Number + 1, Metadata: position}
	e := session.New(session.Host{Ledger: l, Topic: l, Status: l}, start, session.Settings{MovedTo: id.TopicID}, session.Events{LastRecordUnchecked: func(at machine.Offset) { unchecked = at }})
	defer e.Close()
	if err := e.Connect(ctx); err != nil {
		return Move{}, err
	}
	if l.err != nil {
		return Move{}, l.err
	}
	if unchecked >= 0 {
		return Move{}, fmt.Errorf("the records up to offset %d, from which its last blocks were made, are not in the topic: nothing shows that the topic is theirs", unchecked)
	}
	return Move{From: position.Topic, To: id.TopicID, Next: e.NextOffset()}, nil
}

// ErrNothingOrdered is returned when an orderer's ledger has no record of the topic yet:
// there is nothing to compare, and nothing to lose.
var ErrNothingOrdered = errors.New("it has ordered nothing yet")

// blockOf returns a block as sessions need it, or nil if its metadata cannot be read.
func blockOf(b *cb.Block) *session.Block {
	block, err := block.Decode(b)
	if err != nil {
		return nil
	}
	return &block
}

// ledger is the part of a session's host that a check needs: an orderer's blocks, read from
// the orderer, and the topic.
type ledger struct {
	session.Ledger // other methods are never called
	session.Topic
	session.Status
	topic log.Log
	fetch func(number uint64) (*cb.Block, error)
	err   error // of a fetch, but for blocks that the orderer does not have
}

func (l *ledger) Open() (log.Log, error)    { return l.topic, nil }
func (l *ledger) Room(int) error            { return nil } // nothing is written
func (l *ledger) RulesKnown()               {}
func (l *ledger) Moved(status.Phase, error) {}

func (l *ledger) Survey(context.Context, log.Log) error { return nil }

func (l *ledger) Block(n machine.BlockNumber) *session.Block {
	b, err := l.fetch(uint64(n))
	var none *client.Refusal
	if err != nil && !errors.As(err, &none) && l.err == nil {
		l.err = err
	}
	if err != nil {
		return nil
	}
	return blockOf(b)
}
