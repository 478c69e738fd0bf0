// Package orderertest is an in-memory orderer for tests of orderer clients:
// Broadcast and Deliver over TLS on loopback, one block per envelope, no
// policies, and injected faults.
package orderertest

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/msp"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/crypto/tlsgen"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/fabric-kafka/orderer/chain/record"
)

// Orderer is one orderer with one channel.
type Orderer struct {
	Address string // host:port
	CA      string // PEM file of the CA of its TLS certificate

	ClientCert string // PEM files of the client that a guarded orderer accepts; otherwise empty
	ClientKey  string

	channel string
	ledger  *Ledger
	fault   Fault
	client  []byte // DER of ClientCert
	tls     *tls.Config
}

var _ ab.AtomicBroadcastServer = (*Orderer)(nil)

// Fault decides the fate of the n-th envelope, from 0, that an orderer gets.
type Fault func(n int) Fate

// Fate is the outcome of an envelope.
type Fate struct {
	Copies int       // in the ledger
	Status cb.Status // of the answer; 0: the stream breaks without one
}

// Ordered is the fate without any fault.
func Ordered() Fate { return Fate{Copies: 1, Status: cb.Status_SUCCESS} }

// Start serves a channel from a ledger, which several orderers may share, until
// the test ends. A nil fault means none.
func Start(t *testing.T, channel string, ledger *Ledger, fault Fault) *Orderer {
	t.Helper()
	ca := newCA(t)
	if fault == nil {
		fault = func(int) Fate { return Ordered() }
	}
	o := &Orderer{CA: written(t, ca.CertBytes()), channel: channel, ledger: ledger, fault: counted(fault)}
	o.serve(t, serverTLS(t, ca))
	return o
}

// StartGuarded serves like an orderer with General.TLS.ClientAuthRequired: it accepts only
// the client of ClientCert, to which each request for blocks must be bound, and delivers
// blocks only to members of Org1MSP.
func StartGuarded(t *testing.T, channel string, ledger *Ledger) *Orderer {
	t.Helper()
	ca := newCA(t)
	pair, err := ca.NewClientCertKeyPair()
	must(t, err)
	o := &Orderer{CA: written(t, ca.CertBytes()), ClientCert: written(t, pair.Cert), ClientKey: written(t, pair.Key),
		channel: channel, ledger: ledger, client: pair.TLSCert.Raw}
	config := serverTLS(t, ca)
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	config.ClientCAs.AppendCertsFromPEM(ca.CertBytes())
	o.serve(t, config)
	return o
}

// Another starts another orderer with the same files that serves another ledger.
func (o *Orderer) Another(t *testing.T, ledger *Ledger) *Orderer {
	t.Helper()
	other := *o
	other.ledger = ledger
	other.serve(t, o.tls)
	return &other
}

func (o *Orderer) serve(t *testing.T, config *tls.Config) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	o.Address, o.tls = listener.Addr().String(), config
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)))
	ab.RegisterAtomicBroadcastServer(server, o)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
}

func newCA(t *testing.T) tlsgen.CA {
	ca, err := tlsgen.NewCA()
	must(t, err)
	return ca
}

// written returns the path of a file with that content.
func written(t *testing.T, content []byte) string {
	file := filepath.Join(t.TempDir(), "file.pem")
	must(t, os.WriteFile(file, content, 0o600))
	return file
}

func serverTLS(t *testing.T, ca tlsgen.CA) *tls.Config {
	pair, err := ca.NewServerCertKeyPair("127.0.0.1")
	must(t, err)
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	must(t, err)
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
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

// Broadcast orders envelopes. Like Fabric's orderer, it ends the stream after the
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
	if o.client != nil {
		if sum := sha256.Sum256(o.client); !bytes.Equal(header.TlsCertHash, sum[:]) {
			return cb.Status_BAD_REQUEST, nil
		}
		if !ofOrg1(envelope) {
			return cb.Status_FORBIDDEN, nil
		}
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

// ofOrg1 reports whether the envelope's creator is a member of Org1MSP. Signatures are not verified.
func ofOrg1(envelope *cb.Envelope) bool {
	creator := &msp.SerializedIdentity{}
	payload, err := protoutil.UnmarshalPayload(envelope.Payload)
	if err != nil {
		return false
	}
	header, err := protoutil.UnmarshalSignatureHeader(payload.GetHeader().GetSignatureHeader())
	return err == nil && proto.Unmarshal(header.Creator, creator) == nil && creator.Mspid == "Org1MSP"
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

// metadata returns the signed part of a block's metadata, as an orderer writes it.
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
