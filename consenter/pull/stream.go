package pull

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric/orderer/common/cluster"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/grpc"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// stream is a sequence of blocks from one orderer. It connects when the first block is requested.
type stream struct {
	puller *puller
	from   cluster.EndpointCriteria
	number uint64 // of the next block
	height uint64 // of the orderer's ledger, as it answered

	life       context.Context
	end        context.CancelCauseFunc
	connection *grpc.ClientConn // nil before it is established
	receive    func() (*fabric.DeliverResponse, error)
}

// open returns a stream of an orderer's blocks that begins with a block number.
func (p *puller) open(a answer, number uint64) *stream {
	s := &stream{puller: p, from: a.endpoint, number: number, height: a.height}
	s.life, s.end = context.WithCancelCause(context.Background())
	return s
}

// has reports whether the stream's next block has that number.
func (s *stream) has(number uint64) bool { return s != nil && s.number == number && number < s.height }

// errSlow is the cause with which a slow stream ends.
var errSlow = errors.New("no answer within General.Cluster.ReplicationPullTimeout")

// within runs a call on the stream. The stream ends when ctx does, or when the orderer takes
// longer than the puller's timeout.
func (s *stream) within(ctx context.Context, call func() error) error {
	defer context.AfterFunc(ctx, func() { s.end(context.Cause(ctx)) })()
	slow := time.AfterFunc(s.puller.timeout, func() { s.end(errSlow) })
	defer slow.Stop()
	err := call()
	if s.life.Err() != nil {
		return context.Cause(s.life)
	}
	return err
}

// next returns the next block.
func (s *stream) next(ctx context.Context) (*fabric.Block, error) {
	response, err := s.response(ctx, func() seek { return fabric.SeekOfBlocks(s.number, s.height-1) })
	switch {
	case err != nil:
		return nil, err
	case response.GetBlock() == nil:
		return nil, fmt.Errorf("it answers %s", response.GetStatus())
	}
	s.number++
	return response.GetBlock(), nil
}

// newest returns the orderer's response to a request for its newest block.
func (s *stream) newest(ctx context.Context) (*fabric.DeliverResponse, error) {
	return s.response(ctx, func() seek { return fabric.SeekOfNewest() })
}

// seek is a request for blocks.
type seek = fabric.Message

// response returns the next response. The first call sends the request.
func (s *stream) response(ctx context.Context, what func() seek) (response *fabric.DeliverResponse, err error) {
	err = s.within(ctx, func() error {
		if s.receive == nil {
			if err := s.request(what()); err != nil {
				return err
			}
		}
		response, err = s.receive()
		return err
	})
	return response, err
}

func (s *stream) request(what seek) (err error) {
	p := s.puller
	if s.connection, err = p.dialer.Dial(s.from); err != nil {
		return err
	}
	deliver, err := fabric.NewDeliverer(s.connection).Deliver(s.life)
	if err != nil {
		return err
	}
	var binding []byte
	if p.certificate != nil {
		hash := sha256.Sum256(p.certificate)
		binding = hash[:]
	}
	signed, err := protoutil.CreateSignedEnvelopeWithTLSBinding(fabric.HeaderTypeSeek, p.support.ChannelID(), p.support, what, 0, 0, binding)
	if err != nil {
		return err
	}
	if err := deliver.Send(signed); err != nil {
		return err
	}
	s.receive = deliver.Recv
	return nil
}

// close ends the stream and its connection.
func (s *stream) close() {
	s.end(nil)
	if s.connection != nil {
		_ = s.connection.Close() // there is nothing to do about an error
	}
}
