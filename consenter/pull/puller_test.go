package pull

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-config/configtx"
	"github.com/hyperledger/fabric-config/configtx/membership"
	"github.com/hyperledger/fabric-config/configtx/orderer"
	"github.com/hyperledger/fabric/bccsp/utils"
	"github.com/hyperledger/fabric/common/crypto/tlsgen"
	"github.com/hyperledger/fabric/orderer/common/cluster"
	"github.com/hyperledger/fabric/orderer/common/localconfig"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/session"
)

// authority is the CA of an organization, for signatures and for TLS.
type authority struct {
	t *testing.T
	tlsgen.CA
}

func newAuthority(t *testing.T) *authority {
	ca, err := tlsgen.NewCA()
	checktest.Must(t, err)
	return &authority{t, ca}
}

func (a *authority) pair() *tlsgen.CertKeyPair {
	p, err := a.NewServerCertKeyPair("127.0.0.1")
	checktest.Must(a.t, err)
	return p
}

// genesis returns the first block of a channel of this organization's orderers.
func (a *authority) genesis(addresses ...string) *cb.Block {
	policies := map[string]configtx.Policy{}
	for _, name := range []string{"Readers", "Writers", "Admins", "BlockValidation", "Endorsement", "LifecycleEndorsement"} {
		policies[name] = configtx.Policy{Type: configtx.ImplicitMetaPolicyType, Rule: "ANY Writers"}
	}
	ofOrg := map[string]configtx.Policy{}
	for _, name := range []string{"Readers", "Writers", "Admins", "Endorsement"} {
		ofOrg[name] = configtx.Policy{Type: configtx.SignaturePolicyType, Rule: "OR('OrdererMSP.member')"}
	}
	root := certificateIn(a.t, a.CertBytes())
	org := configtx.Organization{Name: "Orderer", Policies: ofOrg, OrdererEndpoints: addresses, MSP: configtx.MSP{
		Name: "OrdererMSP", RootCerts: []*x509.Certificate{root}, TLSRootCerts: []*x509.Certificate{root},
		Admins:       []*x509.Certificate{certificateIn(a.t, a.pair().Cert)},
		CryptoConfig: membership.CryptoConfig{SignatureHashFamily: "SHA2", IdentityIdentifierHashFunction: "SHA256"},
	}}
	block, err := configtx.NewApplicationChannelGenesisBlock(configtx.Channel{
		Capabilities: []string{"V2_0"}, Policies: policies,
		Application: configtx.Application{Capabilities: []string{"V2_0"}, Policies: policies},
		Orderer: configtx.Orderer{
			OrdererType: orderer.ConsensusTypeEtcdRaft, EtcdRaft: chaintest.Raft(root),
			Capabilities: []string{"V2_0"}, Policies: policies, State: orderer.ConsensusStateNormal,
			Organizations: []configtx.Organization{org}, BatchTimeout: time.Second,
			BatchSize: orderer.BatchSize{MaxMessageCount: 10, AbsoluteMaxBytes: 1 << 20, PreferredMaxBytes: 1 << 19},
		},
	}, channel)
	checktest.Must(a.t, err)
	return chaintest.ToKafka(block, "kafka:9092")
}

func certificateIn(t *testing.T, text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("got none")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	checktest.Must(t, err)
	return c
}

// sign signs a block and its consenter metadata, as Fabric's block writer does.
func (a *authority) sign(b *cb.Block, metadata string) {
	setSignatures(b, a.signedOver(b, protoutil.MarshalOrPanic(&cb.OrdererBlockMetadata{LastConfig: &cb.LastConfig{},
		ConsenterMetadata: protoutil.MarshalOrPanic(&cb.Metadata{Value: []byte(metadata)})})))
}

// signedOver returns a signature of the organization over a block and a value.
func (a *authority) signedOver(b *cb.Block, value []byte) *cb.Metadata {
	pair := a.pair()
	header := protoutil.MarshalOrPanic(&cb.SignatureHeader{Nonce: []byte("a nonce of 24 bytes here"), Creator: protoutil.MarshalOrPanic(
		&fabric.SerializedIdentity{Mspid: "OrdererMSP", IdBytes: pair.Cert})})
	signed := append(append(append([]byte{}, value...), header...), protoutil.BlockHeaderBytes(b.Header)...)
	hash := sha256.Sum256(signed)
	signature, err := pair.Sign(rand.Reader, hash[:], nil)
	checktest.Must(a.t, err)
	signature, err = utils.SignatureToLowS(pair.Public().(*ecdsa.PublicKey), signature)
	checktest.Must(a.t, err)
	return &cb.Metadata{Value: value, Signatures: []*cb.MetadataSignature{{SignatureHeader: header, Signature: signature}}}
}

func setSignatures(b *cb.Block, m *cb.Metadata) {
	b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = protoutil.MarshalOrPanic(m)
}

// after returns blocks that follow a block, signed by the organization.
func (a *authority) after(b *cb.Block, n int) (all []*cb.Block) {
	for range n {
		next := protoutil.NewBlock(b.Header.Number+1, protoutil.BlockHeaderHash(b.Header))
		next.Data.Data = [][]byte{transaction("a transaction")}
		next.Header.DataHash = chaintest.DataHash(next.Data.Data)
		a.sign(next, "the consenter's metadata")
		all, b = append(all, next), next
	}
	return all
}

// deliverer is an orderer that serves blocks over TLS.
type deliverer struct {
	address string
	blocks  []*cb.Block
	status  cb.Status     // not 0: its answer instead of blocks
	stall   uint64        // not 0: number of a block that it never sends
	silent  bool          // it never answers
	pace    time.Duration // before each block that is asked for by its number
	open    atomic.Int32  // streams that it serves
}

// deliverer starts an orderer without blocks.
func (a *authority) deliverer() *deliverer {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	checktest.Must(a.t, err)
	pair := a.pair()
	own, err := tls.X509KeyPair(pair.Cert, pair.Key)
	checktest.Must(a.t, err)
	d := &deliverer{address: listener.Addr().String()}
	server := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&own)))
	ab.RegisterAtomicBroadcastServer(server, d)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	a.t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return d
}

func (*deliverer) Broadcast(ab.AtomicBroadcast_BroadcastServer) error { return nil }

func (d *deliverer) Deliver(stream ab.AtomicBroadcast_DeliverServer) error {
	d.open.Add(1)
	defer d.open.Add(-1)
	envelope, err := stream.Recv()
	if err != nil {
		return err
	}
	if d.silent {
		<-stream.Context().Done()
		return nil
	}
	if d.status != 0 {
		return stream.Send(&ab.DeliverResponse{Type: &ab.DeliverResponse_Status{Status: d.status}})
	}
	seek := &ab.SeekInfo{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_DELIVER_SEEK_INFO, seek); err != nil {
		return err
	}
	from, pace := len(d.blocks)-1, time.Duration(0)
	if s := seek.Start.GetSpecified(); s != nil {
		from, pace = int(s.Number), d.pace
	}
	for _, b := range d.blocks[from:] {
		if d.stall > 0 && b.Header.Number == d.stall {
			break
		}
		select {
		case <-time.After(pace):
		case <-stream.Context().Done():
			return nil
		}
		if err := stream.Send(&ab.DeliverResponse{Type: &ab.DeliverResponse_Block{Block: b}}); err != nil {
			return err
		}
	}
	<-stream.Context().Done()
	return nil
}

// catchUp returns the support and the puller of an orderer that has the first block only.
func (a *authority) catchUp(first *cb.Block) (*stale, chain.Puller) {
	return a.catchUpWithin(first, 5*time.Second)
}

// catchUpWithin is catchUp with a timeout for each response.
func (a *authority) catchUpWithin(first *cb.Block, timeout time.Duration) (*stale, chain.Puller) {
	l := a.stale(first)
	p, err := a.factory(timeout).New(l)
	checktest.Must(a.t, err)
	a.t.Cleanup(p.Close)
	return l, p
}

// stale returns the support of a channel whose ledger has the first block only.
func (a *authority) stale(first *cb.Block) *stale {
	l := &stale{genesis: first}
	l.inForce(a.t, first)
	return l
}

// factory returns the factory of an orderer of the organization.
func (a *authority) factory(timeout time.Duration) *Factory { return a.factoryAt("", 0, timeout) }

// factoryAt is factory for an orderer that serves its clients at an address.
func (a *authority) factoryAt(listen string, port uint16, timeout time.Duration) *Factory {
	return NewFactory(Cluster{Dialer: a.dialer(timeout), Settings: localconfig.Cluster{ReplicationPullTimeout: timeout}, Address: listen, Port: port}, crypto(a.t))
}

// dialer returns Fabric's dialer, as an orderer of the organization has it.
func (a *authority) dialer(timeout time.Duration) *cluster.PredicateDialer {
	pair := a.pair()
	d := &cluster.PredicateDialer{}
	d.Config.DialTimeout = timeout
	d.Config.SecOpts.UseTLS, d.Config.SecOpts.Certificate, d.Config.SecOpts.Key = true, pair.Cert, pair.Key
	return d
}

const unsigned = "0 sub-policies were satisfied"

// An altered block 2, from a malicious orderer or network, is refused. The signatures do not
// cover everything: they cover the header and the metadata, and the header covers the
// envelopes.
func TestPulledBlocksAreVerified(t *testing.T) {
	ours := newAuthority(t)
	for name, test := range map[string]struct {
		alter func(b *cb.Block)
		says  string // empty: the block is accepted
	}{
		"nothing is wrong": {func(*cb.Block) {}, ""},
		"a byte of the consenter metadata": {func(b *cb.Block) {
			m := &cb.Metadata{}
			checktest.Must(t, proto.Unmarshal(b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES], m))
			m.Value[len(m.Value)-1]++
			setSignatures(b, m)
		}, unsigned},
		"a foreign signer":                      {func(b *cb.Block) { newAuthority(t).sign(b, "metadata") }, unsigned},
		"no signature":                          {func(b *cb.Block) { setSignatures(b, &cb.Metadata{}) }, unsigned},
		"no signatures at all":                  {func(b *cb.Block) { b.Metadata.Metadata = [][]byte{{}} }, unsigned},
		"another hash before":                   {func(b *cb.Block) { b.Header.PreviousHash[0]++ }, unsigned},
		"another hash before, signed":           {func(b *cb.Block) { b.Header.PreviousHash[0]++; ours.sign(b, "metadata") }, "Header.PreviousHash is"},
		"an envelope other than the signed one": {func(b *cb.Block) { b.Data.Data = [][]byte{transaction("forged")} }, "Header.DataHash is"},
	} {
		t.Run(name, func(t *testing.T) {
			d := ours.deliverer()
			first := ours.genesis(d.address)
			d.blocks = append([]*cb.Block{first}, ours.after(first, 3)...)
			test.alter(d.blocks[2])
			_, p := ours.catchUp(first)
			if test.says != "" {
				_, err := p.Block(t.Context(), 1)
				checktest.Must(t, err)
				_, err = p.Block(t.Context(), 2)
				checktest.Fails(t, err, "invalid block from orderer "+d.address+": block 2: ")
				checktest.Fails(t, err, test.says)
				if got, other := err, session.ErrNoBlock; errors.Is(got, other) {
					t.Fatalf("got %v, which is %v", got, other)
				}
				return
			}
			for n := uint64(1); n < 4; n++ {
				b, err := p.Block(t.Context(), n)
				checktest.Must(t, err)
				if !proto.Equal(d.blocks[n], b) {
					t.Fatalf("block %d differs", n)
				}
			}
		})
	}
}

// Blocks that follow a config block must be signed by the orderers in that config.
func TestPulledBlocksAreVerifiedByTheConfigInForce(t *testing.T) {
	before, now := newAuthority(t), newAuthority(t)
	for name, signer := range map[string]*authority{"now": now, "before": before} {
		d := before.deliverer()
		first := before.genesis(d.address)
		d.blocks = append([]*cb.Block{first}, signer.after(first, 1)...)
		l, p := before.catchUp(first)
		l.inForce(t, now.genesis(d.address))
		_, err := p.Block(t.Context(), 1)
		if name == "now" {
			checktest.Must(t, err)
		} else {
			checktest.Fails(t, err, unsigned)
		}
	}
}

// A block is lost only if every orderer reports that it has none. One that does not serve
// the channel has none; one that refuses to answer, or is silent, may have it.
func TestWhoHasNoBlock(t *testing.T) {
	ours := newAuthority(t)
	for name, test := range map[string]struct {
		status cb.Status // of the second address; 0: it is silent
		lost   bool
		says   string
	}{
		"does not serve the channel": {cb.Status_NOT_FOUND, true, ": none of "},
		"refuses":                    {cb.Status_FORBIDDEN, false, " answers FORBIDDEN"},
		"is silent":                  {0, false, " does not answer ("},
	} {
		t.Run(name, func(t *testing.T) {
			d, other := ours.deliverer(), "127.0.0.1:1"
			if test.status != 0 {
				o := ours.deliverer()
				o.status, other = test.status, o.address
			}
			first := ours.genesis(d.address, other)
			d.blocks = []*cb.Block{first}
			_, p := ours.catchUp(first)
			_, err := p.Block(t.Context(), 1)
			if got, want := errors.Is(err, session.ErrNoBlock), test.lost; !reflect.DeepEqual(got, want) {
				t.Fatalf("%v: got %v, want %v", err, got, want)
			}
			checktest.Fails(t, err, test.says)
			checktest.Fails(t, err, other)
		})
	}
}
