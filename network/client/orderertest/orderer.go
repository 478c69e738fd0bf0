// Package orderertest is an orderer in memory for tests of what talks to
// orderers: Broadcast and Deliver over TLS on loopback, a block per envelope, no
// policies, and faults where the test wants them.
package orderertest

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/crypto/tlsgen"
	"github.com/hyperledger/fabric/protoutil"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/fabric-kafka/orderer/chain/record"
)

// Orderer is one orderer with one channel.
type Orderer struct {
	Address string // host:port
	CA      string // PEM file of who signs its TLS certificate

	channel string
	ledger  *Ledger
	fault   Fault
}

var _ ab.AtomicBroadcastServer = (*Orderer)(nil)

// Fault decides the fate of the n-th envelope, from 0, that an orderer gets.
type Fault func(n int) Fate

// Fate is what becomes of an envelope.
type Fate struct {
	Copies int       // in the ledger
	Status cb.Status // of the answer; 0: the stream breaks without one
}

// Ordered is the fate without any fault.
func Ordered() Fate { return Fate{Copies: 1, Status: cb.Status_SUCCESS} }

// Start serves a channel from a ledger, which several orderers may share, until
// the test ends. A nil fault means none.
func Start(t *testing.T, channel string, ledger *Ledger, fault Fault) *Orderer {
	ca, err := tlsgen.NewCA()
	require.NoError(t, err)
	pair, err := ca.NewServerCertKeyPair("127.0.0.1")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, ca.CertBytes(), 0o600))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	if fault == nil {
		fault = func(int) Fate { return Ordered() }
	}
	o := &Orderer{Address: listener.Addr().String(), CA: file, channel: channel, ledger: ledger, fault: counted(fault)}
	server := grpc.NewServer(grpc.Creds(serverTLS(t, pair)))
	ab.RegisterAtomicBroadcastServer(server, o)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return o
}

func serverTLS(t *testing.T, pair *tlsgen.CertKeyPair) credentials.TransportCredentials {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
	require.NoError(t, os.WriteFile(cert, pair.Cert, 0o600))
	require.NoError(t, os.WriteFile(key, pair.Key, 0o600))
	creds, err := credentials.NewServerTLSFromFile(cert, key)
	require.NoError(t, err)
	return creds
}

// counted numbers the envelopes over all streams.
func counted(f Fault) Fault {
	var mu sync.Mutex
	n := 0
	return func(int) Fate {
		mu.Lock()
		defer mu.Unlock()
		n++
		return f(n - 1)
	}
}

// Broadcast orders envelopes. As Fabric's orderer it ends the stream after the
// first answer that is not SUCCESS.
func (o *Orderer) Broadcast(stream ab.AtomicBroadcast_BroadcastServer) error {
	for {
		envelope, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		fate := o.fault(0)
		for range fate.Copies {
			o.ledger.Append(protoutil.MarshalOrPanic(envelope))
		}
		if fate.Status == cb.Status_UNKNOWN {
			return io.ErrUnexpectedEOF
		}
		answer := &ab.BroadcastResponse{Status: fate.Status, Info: "as the test wants"}
		if err := stream.Send(answer); err != nil || fate.Status != cb.Status_SUCCESS {
			return err
		}
	}
}

// Deliver serves one request for each seek.
func (o *Orderer) Deliver(stream ab.AtomicBroadcast_DeliverServer) error {
	for {
		envelope, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		status, err := o.deliver(stream, envelope)
		if err != nil {
			return err
		}
		if err := stream.Send(&ab.DeliverResponse{Type: &ab.DeliverResponse_Status{Status: status}}); err != nil {
			return err
		}
	}
}

func (o *Orderer) deliver(stream ab.AtomicBroadcast_DeliverServer, envelope *cb.Envelope) (cb.Status, error) {
	seek := &ab.SeekInfo{}
	header, err := protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_DELIVER_SEEK_INFO, seek)
	if err != nil || header.Timestamp == nil {
		return cb.Status_BAD_REQUEST, nil
	}
	if header.ChannelId != o.channel {
		return cb.Status_NOT_FOUND, nil
	}
	number, last := o.bounds(seek)
	alone := number == last
	for ; number <= last; number++ {
		block := o.ledger.wait(stream.Context().Done(), number)
		if block == nil {
			return 0, stream.Context().Err()
		}
		times := o.ledger.times(number)
		if alone {
			times = 1
		}
		for range times {
			if err := stream.Send(&ab.DeliverResponse{Type: &ab.DeliverResponse_Block{Block: block}}); err != nil {
				return 0, err
			}
		}
	}
	return cb.Status_SUCCESS, nil
}

func (o *Orderer) bounds(seek *ab.SeekInfo) (first, last uint64) {
	at := func(p *ab.SeekPosition) uint64 {
		switch t := p.GetType().(type) {
		case *ab.SeekPosition_Specified:
			return t.Specified.Number
		case *ab.SeekPosition_Newest:
			return o.ledger.height() - 1
		}
		return 0
	}
	return at(seek.Start), at(seek.Stop)
}

// metadata is the signed part of a block's metadata, as an orderer writes it.
func metadata(offset int64, lastConfig uint64) []byte {
	value, err := record.EncodeMetadata(&record.Metadata{LastOffsetPersisted: offset, RuleSet: record.RuleSet_RULE_SET_STRICT})
	if err != nil {
		panic(err) // it is well formed
	}
	signed := protoutil.MarshalOrPanic(&cb.OrdererBlockMetadata{
		LastConfig:        &cb.LastConfig{Index: lastConfig},
		ConsenterMetadata: protoutil.MarshalOrPanic(&cb.Metadata{Value: value}),
	})
	return protoutil.MarshalOrPanic(&cb.Metadata{Value: signed})
}
