package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// maxMessage is the largest gRPC message accepted: a block of Fabric's maximal size.
const maxMessage = 100 << 20

// reconnect keeps the delay between connection attempts short, so that tests and tools
// see an orderer soon after it is back.
func reconnect() grpc.ConnectParams {
	return grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
		MinConnectTimeout: 5 * time.Second,
	}
}

// Orderer is a connection to one orderer, which reconnects by itself. It is safe for
// concurrent use.
type Orderer struct {
	address string
	conn    *grpc.ClientConn
	client  ab.AtomicBroadcastClient
	binding []byte // hash of the client's TLS certificate; nil without one
}

// Dial connects to an orderer. It returns at once; calls wait for the connection.
func Dial(address string, files TLS) (*Orderer, error) {
	creds, binding, err := files.load()
	if err != nil {
		return nil, fmt.Errorf("TLS of orderer %s: %w", address, err)
	}
	conn, err := grpc.Dial(address,
		grpc.WithConnectParams(reconnect()),
		grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)))
	if err != nil {
		return nil, fmt.Errorf("orderer %s: %w", address, err)
	}
	return &Orderer{address, conn, ab.NewAtomicBroadcastClient(conn), binding}, nil
}

// Close ends the connection and every stream on it.
func (o *Orderer) Close() error { return o.conn.Close() }

// Refusal is a Broadcast answer other than SUCCESS.
type Refusal struct {
	Status cb.Status
	Info   string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s", r.Status, r.Info) }

// Stream is one Broadcast stream. It belongs to one goroutine.
type Stream struct {
	stream ab.AtomicBroadcast_BroadcastClient
	cancel context.CancelFunc
}

// Stream opens a Broadcast stream.
func (o *Orderer) Stream(ctx context.Context) (*Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	s, err := o.client.Broadcast(ctx)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("orderer %s: %w", o.address, err)
	}
	return &Stream{s, cancel}, nil
}

// Close ends the stream.
func (s *Stream) Close() { s.cancel() }

// Send submits an envelope and waits for the answer. A *Refusal is an answer;
// after any other error the outcome is unknown and the stream cannot be used any more.
func (s *Stream) Send(envelope *cb.Envelope) error {
	if err := s.stream.Send(envelope); err != nil {
		return err
	}
	answer, err := s.stream.Recv()
	if err != nil {
		return err
	}
	if answer.Status != cb.Status_SUCCESS {
		return &Refusal{answer.Status, answer.Info}
	}
	return nil
}

// Submit sends one envelope on a stream of its own.
func (o *Orderer) Submit(ctx context.Context, envelope *cb.Envelope) error {
	s, err := o.Stream(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Send(envelope)
}

// Range selects the blocks to deliver.
type Range struct {
	From, To   uint64 // inclusive; delivery waits for blocks that do not exist yet
	BestEffort bool   // also from an orderer that is cut off from Kafka or on which the channel has stopped
}

// Forever is the To of a range that never ends.
const Forever = math.MaxUint64

// ErrNoChannel is returned when the orderer does not have the channel.
var ErrNoChannel = errors.New("the orderer does not have this channel")

// DeliverError is a status other than SUCCESS and NOT_FOUND that ended a delivery.
type DeliverError struct{ Status cb.Status }

// Error names the status.
func (e *DeliverError) Error() string { return "delivery ended with " + e.Status.String() }

// Deliver calls take for each block of a range, until that fails.
func (o *Orderer) Deliver(ctx context.Context, who *Identity, channel string, r Range, take func(*cb.Block) error) error {
	seek := &ab.SeekInfo{
		Start:    position(r.From),
		Stop:     position(r.To),
		Behavior: ab.SeekInfo_BLOCK_UNTIL_READY,
	}
	if r.BestEffort {
		seek.ErrorResponse = ab.SeekInfo_BEST_EFFORT
	}
	return o.deliver(ctx, who, channel, seek, take)
}

func (o *Orderer) deliver(ctx context.Context, who *Identity, channel string, seek *ab.SeekInfo, take func(*cb.Block) error) error {
	envelope, err := protoutil.CreateSignedEnvelopeWithTLSBinding(cb.HeaderType_DELIVER_SEEK_INFO, channel, who, seek, 0, 0, o.binding)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := o.client.Deliver(ctx)
	if err != nil {
		return fmt.Errorf("orderer %s: %w", o.address, err)
	}
	if err := stream.Send(envelope); err != nil && !errors.Is(err, io.EOF) { // after that, Recv has the reason
		return fmt.Errorf("orderer %s: %w", o.address, err)
	}
	for {
		answer, err := stream.Recv()
		if err != nil {
			return fmt.Errorf("orderer %s, channel %s: %w", o.address, channel, err)
		}
		switch t := answer.Type.(type) {
		case *ab.DeliverResponse_Block:
			if err := take(t.Block); err != nil {
				return err
			}
		case *ab.DeliverResponse_Status:
			switch t.Status {
			case cb.Status_SUCCESS:
				return nil
			case cb.Status_NOT_FOUND:
				return fmt.Errorf("orderer %s, channel %s: %w", o.address, channel, ErrNoChannel)
			}
			return fmt.Errorf("orderer %s, channel %s: %w", o.address, channel, &DeliverError{t.Status})
		}
	}
}

// Newest returns the last block of a channel.
func (o *Orderer) Newest(ctx context.Context, who *Identity, channel string) (*cb.Block, error) {
	newest := &ab.SeekPosition{Type: &ab.SeekPosition_Newest{Newest: &ab.SeekNewest{}}}
	seek := &ab.SeekInfo{Start: newest, Stop: newest, Behavior: ab.SeekInfo_BLOCK_UNTIL_READY, ErrorResponse: ab.SeekInfo_BEST_EFFORT}
	return o.one(ctx, who, channel, seek)
}

// Block returns a block of a channel; it waits until the block exists.
func (o *Orderer) Block(ctx context.Context, who *Identity, channel string, number uint64) (*cb.Block, error) {
	seek := &ab.SeekInfo{Start: position(number), Stop: position(number), Behavior: ab.SeekInfo_BLOCK_UNTIL_READY, ErrorResponse: ab.SeekInfo_BEST_EFFORT}
	return o.one(ctx, who, channel, seek)
}

func (o *Orderer) one(ctx context.Context, who *Identity, channel string, seek *ab.SeekInfo) (*cb.Block, error) {
	var block *cb.Block
	err := o.deliver(ctx, who, channel, seek, func(b *cb.Block) error {
		block = b
		return nil
	})
	if err == nil && block == nil {
		err = errNoBlock
	}
	return block, err
}

func position(number uint64) *ab.SeekPosition {
	return &ab.SeekPosition{Type: &ab.SeekPosition_Specified{Specified: &ab.SeekSpecified{Number: number}}}
}
