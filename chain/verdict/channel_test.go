package verdict

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-config/configtx"
	"github.com/hyperledger/fabric-config/configtx/membership"
	"github.com/hyperledger/fabric-config/configtx/orderer"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/bccsp/utils"
	"github.com/hyperledger/fabric/common/crypto/tlsgen"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// realChannel is a channel whose config Fabric parses, with an organization whose
// key signs config updates.
type realChannel struct {
	*testing.T
	provider fabric.CryptoProvider
	ca       tlsgen.CA
	admin    *tlsgen.CertKeyPair
	config   *fabric.Config
}

func newRealChannel(t *testing.T) *realChannel {
	ca, err := tlsgen.NewCA()
	provider, err2 := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	c := &realChannel{T: t, ca: ca, provider: provider}
	if c.admin, err = ca.NewServerCertKeyPair("127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	config := &fabric.ConfigEnvelope{}
	envelope, err := protoutil.ExtractEnvelope(c.genesis(), 0)
	if err == nil {
		_, err = protoutil.UnmarshalEnvelopeOfType(envelope, fabric.HeaderTypeConfig, config)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.config = config.Config
	return c
}

// clone returns the channel as it is, to be changed.
func (c *realChannel) clone() *fabric.Config {
	next := &fabric.Config{}
	if err := fabric.Unmarshal(protoutil.MarshalOrPanic(c.config), next); err != nil {
		c.Fatal(err)
	}
	return next
}

func (c *realChannel) genesis() *cb.Block {
	all, ofOrg := map[string]configtx.Policy{}, map[string]configtx.Policy{}
	for _, name := range []string{"Readers", "Writers", "Admins", "BlockValidation", "Endorsement", "LifecycleEndorsement"} {
		all[name] = configtx.Policy{Type: configtx.ImplicitMetaPolicyType, Rule: "ANY Writers"}
		ofOrg[name] = configtx.Policy{Type: configtx.SignaturePolicyType, Rule: "OR('OrgMSP.member')"}
	}
	root := c.parsed(c.ca.CertBytes())
	org := configtx.Organization{Name: "Org", Policies: ofOrg, OrdererEndpoints: []string{"127.0.0.1:7050"}, MSP: configtx.MSP{
		Name: "OrgMSP", RootCerts: []*x509.Certificate{root}, Admins: []*x509.Certificate{c.parsed(c.admin.Cert)},
		CryptoConfig: membership.CryptoConfig{SignatureHashFamily: "SHA2", IdentityIdentifierHashFunction: "SHA256"},
	}}
	ofPeers := org
	ofPeers.OrdererEndpoints = nil
	block, err := configtx.NewApplicationChannelGenesisBlock(configtx.Channel{
		Capabilities: []string{"V2_0"}, Policies: all,
		Application: configtx.Application{Capabilities: []string{"V2_0"}, Policies: all, Organizations: []configtx.Organization{ofPeers}},
		Orderer: configtx.Orderer{
			OrdererType: orderer.ConsensusTypeEtcdRaft, EtcdRaft: chaintest.Raft(root),
			Capabilities: []string{"V2_0"}, Policies: all, State: orderer.ConsensusStateNormal,
			Organizations: []configtx.Organization{org}, BatchTimeout: time.Second,
			BatchSize: orderer.BatchSize{MaxMessageCount: 10, AbsoluteMaxBytes: 1 << 20, PreferredMaxBytes: 1 << 19},
		},
	}, channel)
	if err != nil {
		c.Fatal(err)
	}
	return chaintest.ToKafka(block, "kafka:9092")
}

func (c *realChannel) parsed(text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		c.Fatal(err)
	}
	return cert
}

// administrator returns a certificate of an administrator, with a key of that kind.
func (c *realChannel) administrator(kind x509.PublicKeyAlgorithm) []byte {
	key := c.key(kind)
	return c.certificate(kind, &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature}, c.parsed(c.ca.CertBytes()), key.Public(), c.ca.Signer())
}

// authority returns the certificate of another authority, with a key of that kind.
func (c *realChannel) authority(kind x509.PublicKeyAlgorithm) []byte {
	key, template := c.key(kind), &x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	return c.certificate(kind, template, template, key.Public(), key)
}

func (c *realChannel) key(kind x509.PublicKeyAlgorithm) (key crypto.Signer) {
	var err error
	switch kind {
	case x509.RSA:
		key, err = rsaKey()
	case x509.Ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		c.Fatal(err)
	}
	return key
}

// rsaKey generates an RSA key, once: it takes long.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func (c *realChannel) certificate(kind x509.PublicKeyAlgorithm, template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) []byte {
	template.SerialNumber, template.SubjectKeyId = big.NewInt(int64(kind)), []byte{byte(kind)}
	template.Subject, template.BasicConstraintsValid = pkix.Name{CommonName: kind.String()}, true
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		c.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// update returns a config envelope that leads to next, whose versions it raises.
// Its update is signed by the organization's administrator unless signed is false.
func (c *realChannel) update(next *fabric.Config, signed bool) *fabric.Envelope {
	bump(c.config.ChannelGroup, next.ChannelGroup)
	next.Sequence = c.config.Sequence + 1
	reads, writes, _ := difference(c.config.ChannelGroup, next.ChannelGroup)
	update := protoutil.MarshalOrPanic(&cb.ConfigUpdate{ChannelId: channel, ReadSet: reads, WriteSet: writes})
	signatures := []*cb.ConfigSignature{}
	if signed {
		signatures = append(signatures, c.signature(update))
	}
	last := c.envelope(cb.HeaderType_CONFIG_UPDATE, &cb.ConfigUpdateEnvelope{ConfigUpdate: update, Signatures: signatures})
	return c.envelope(cb.HeaderType_CONFIG, &fabric.ConfigEnvelope{Config: next, LastUpdate: last})
}

// envelope returns an envelope signed by the organization's administrator, so that peers accept it.
func (c *realChannel) envelope(kind cb.HeaderType, data fabric.Message) *fabric.Envelope {
	header := &fabric.Header{
		ChannelHeader:   protoutil.MarshalOrPanic(&fabric.ChannelHeader{Type: int32(kind), ChannelId: channel}),
		SignatureHeader: c.signatureHeader(),
	}
	payload := protoutil.MarshalOrPanic(&fabric.Payload{Header: header, Data: protoutil.MarshalOrPanic(data)})
	return &fabric.Envelope{Payload: payload, Signature: c.sign(payload)}
}

func (c *realChannel) signatureHeader() []byte {
	creator := protoutil.MarshalOrPanic(&fabric.SerializedIdentity{Mspid: "OrgMSP", IdBytes: c.admin.Cert})
	return protoutil.MarshalOrPanic(&fabric.SignatureHeader{Creator: creator, Nonce: []byte("once")})
}

func (c *realChannel) sign(message []byte) []byte {
	hash := sha256.Sum256(message)
	signature, err := c.admin.Sign(rand.Reader, hash[:], nil)
	if err == nil {
		signature, err = utils.SignatureToLowS(c.admin.Public().(*ecdsa.PublicKey), signature)
	}
	if err != nil {
		c.Fatal(err)
	}
	return signature
}

func (c *realChannel) signature(update []byte) *cb.ConfigSignature {
	header := c.signatureHeader()
	return &cb.ConfigSignature{SignatureHeader: header, Signature: c.sign(slices.Concat(header, update))}
}

// bump raises the version of what differs, as a config update must.
func bump(now, next *fabric.ConfigGroup) {
	if !sameKeys(now.Groups, next.Groups) || !sameKeys(now.Values, next.Values) || !sameKeys(now.Policies, next.Policies) || now.ModPolicy != next.ModPolicy {
		next.Version = now.Version + 1
	}
	for key, v := range next.Values {
		if old, ok := now.Values[key]; ok && !fabric.Equal(old, v) {
			v.Version = old.Version + 1
		}
	}
	for key, p := range next.Policies {
		if old, ok := now.Policies[key]; ok && !fabric.Equal(old, p) {
			p.Version = old.Version + 1
		}
	}
	for key, g := range next.Groups {
		if old, ok := now.Groups[key]; ok {
			bump(old, g)
		}
	}
}

// difference returns the read set and the write set that turn now into next, whose versions are raised already, and
// whether there is a difference.
func difference(now, next *fabric.ConfigGroup) (reads, writes *fabric.ConfigGroup, changed bool) {
	if now.Version != next.Version {
		return now, next, true
	}
	reads = &fabric.ConfigGroup{Version: now.Version}
	writes = &fabric.ConfigGroup{Version: now.Version, Groups: map[string]*fabric.ConfigGroup{},
		Values: map[string]*fabric.ConfigValue{}, Policies: map[string]*fabric.ConfigPolicy{}}
	reads.Groups = map[string]*fabric.ConfigGroup{}
	for key, g := range next.Groups {
		if r, w, ok := difference(now.Groups[key], g); ok {
			reads.Groups[key], writes.Groups[key], changed = r, w, true
		}
	}
	for key, v := range next.Values {
		if v.Version != now.Values[key].Version {
			writes.Values[key], changed = v, true
		}
	}
	for key, p := range next.Policies {
		if p.Version != now.Policies[key].Version {
			writes.Policies[key], changed = p, true
		}
	}
	return reads, writes, changed
}

func sameKeys[V any](a, b map[string]V) bool {
	for key := range a {
		if _, ok := b[key]; !ok {
			return false
		}
	}
	return len(a) == len(b)
}
