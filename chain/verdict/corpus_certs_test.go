package verdict

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"sync"
	"time"

	mb "github.com/hyperledger/fabric-protos-go/msp"
	"github.com/hyperledger/fabric/bccsp/utils"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// keyed is a key of a kind.
type keyed struct {
	name string
	key  crypto.Signer
}

// keyKinds returns keys of all kinds that a certificate may have, made once.
var keyKinds = sync.OnceValue(func() (all []keyed) {
	add := func(name string, key crypto.Signer, err error) {
		if err != nil {
			panic(err)
		}
		all = append(all, keyed{name, key})
	}
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		add(curve.Params().Name, key, err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	add("RSA", rsaKey, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	add("Ed25519", edKey, err)
	return all
})

// sign signs a message as Fabric's clients do; with the hash that the key needs.
func (k keyed) sign(message []byte) []byte {
	digest, hash := message, crypto.Hash(0)
	if _, ok := k.key.(ed25519.PrivateKey); !ok {
		sum := sha256.Sum256(message)
		digest, hash = sum[:], crypto.SHA256
	}
	signature, err := k.key.Sign(rand.Reader, digest, hash)
	if err != nil {
		panic(err)
	}
	if key, ok := k.key.(*ecdsa.PrivateKey); ok {
		if low, err := utils.SignatureToLowS(&key.PublicKey, signature); err == nil {
			return low
		}
	}
	return signature
}

// authorityOf returns the template of an authority, certificateOf that of a member.
func authorityOf(k keyed) issue {
	return issue{k, x509.Certificate{
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}}
}

func certificateOf(k keyed) issue {
	return issue{k, x509.Certificate{BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature}}
}

// issue is what a certificate is issued from.
type issue struct {
	of       keyed
	template x509.Certificate
}

// parent signs certificates.
type parent interface {
	CertBytes() []byte // PEM
	Signer() crypto.Signer
}

// own is an authority that signs its own certificate, with the fields that are set in more.
type own struct {
	keyed
	cert []byte
}

func (o own) CertBytes() []byte     { return o.cert }
func (o own) Signer() crypto.Signer { return o.key }

func (c *realChannel) root(i issue, more x509.Certificate) own {
	t := i.with(more)
	return own{i.of, c.create(&t, &t, i.of.key.Public(), i.of.key)}
}

// issued returns a certificate, PEM, that an authority signs.
func (c *realChannel) issued(i issue, by parent, more *x509.Certificate) []byte {
	t := i.with(*more)
	return c.create(&t, c.parsed(by.CertBytes()), i.of.key.Public(), by.Signer())
}

func (c *realChannel) create(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) []byte {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		c.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (i issue) with(more x509.Certificate) x509.Certificate {
	t := i.template
	t.SerialNumber, t.Subject = big.NewInt(int64(len(i.of.name))), pkix.Name{CommonName: i.of.name, OrganizationalUnit: more.Subject.OrganizationalUnit}
	t.SubjectKeyId = []byte(i.of.name)
	t.NotBefore, t.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	if !more.NotAfter.IsZero() {
		t.NotBefore, t.NotAfter = more.NotBefore, more.NotAfter
	}
	return t
}

// inMSP changes the MSP definition of both organizations.
func inMSP(change func(*fabric.FabricMSPConfig)) func(*fabric.ConfigGroup) {
	return members(func(_ *fabric.MSPConfig, m *fabric.FabricMSPConfig) { change(m) })
}

// certificates returns changes of MSPs, for all kinds of keys and of certificates.
func certificates(c *realChannel) map[string]func(*fabric.ConfigGroup) {
	all := map[string]func(*fabric.ConfigGroup){}
	past, future := time.Now().Add(-48*time.Hour), time.Now().Add(48*time.Hour)
	for _, k := range keyKinds() {
		root, inner := c.root(authorityOf(k), x509.Certificate{}), c.issued(authorityOf(k), c.ca, &x509.Certificate{})
		leaf := c.issued(certificateOf(k), c.ca, &x509.Certificate{})
		below := c.issued(certificateOf(k), root, &x509.Certificate{})
		old := c.root(authorityOf(k), x509.Certificate{NotBefore: past, NotAfter: past.Add(time.Hour)})
		early := c.root(authorityOf(k), x509.Certificate{NotBefore: future, NotAfter: future.Add(time.Hour)})
		maps.Copy(all, map[string]func(*fabric.ConfigGroup){
			k.name + " root":                inMSP(func(m *fabric.FabricMSPConfig) { m.RootCerts = append(m.RootCerts, root.cert) }),
			k.name + " root, expired":       inMSP(func(m *fabric.FabricMSPConfig) { m.RootCerts = append(m.RootCerts, old.cert) }),
			k.name + " root, not yet valid": inMSP(func(m *fabric.FabricMSPConfig) { m.RootCerts = append(m.RootCerts, early.cert) }),
			k.name + " root of another":     inMSP(func(m *fabric.FabricMSPConfig) { m.RootCerts = append(m.RootCerts, inner) }),
			k.name + " root, no CA":         inMSP(func(m *fabric.FabricMSPConfig) { m.RootCerts = append(m.RootCerts, leaf) }),
			k.name + " intermediate":        inMSP(func(m *fabric.FabricMSPConfig) { m.IntermediateCerts = append(m.IntermediateCerts, inner) }),
			k.name + " intermediate, no":    inMSP(func(m *fabric.FabricMSPConfig) { m.IntermediateCerts = append(m.IntermediateCerts, leaf) }),
			k.name + " admin":               inMSP(func(m *fabric.FabricMSPConfig) { m.Admins = append(m.Admins, leaf) }),
			k.name + " admin, CA":           inMSP(func(m *fabric.FabricMSPConfig) { m.Admins = append(m.Admins, inner) }),
			k.name + " admin of nobody":     inMSP(func(m *fabric.FabricMSPConfig) { m.Admins = append(m.Admins, below) }),
			k.name + " admin and root": inMSP(func(m *fabric.FabricMSPConfig) {
				m.RootCerts, m.Admins = append(m.RootCerts, root.cert), append(m.Admins, below)
			}),
			k.name + " TLS root":         inMSP(func(m *fabric.FabricMSPConfig) { m.TlsRootCerts = append(m.TlsRootCerts, root.cert) }),
			k.name + " TLS root, no CA":  inMSP(func(m *fabric.FabricMSPConfig) { m.TlsRootCerts = append(m.TlsRootCerts, leaf) }),
			k.name + " TLS intermediate": inMSP(func(m *fabric.FabricMSPConfig) { m.TlsIntermediateCerts = append(m.TlsIntermediateCerts, inner) }),
			k.name + " node unit": inMSP(func(m *fabric.FabricMSPConfig) {
				m.FabricNodeOus = nodeUnits(root.cert)
				m.RootCerts = append(m.RootCerts, root.cert)
			}),
			k.name + " admin by unit": inMSP(func(m *fabric.FabricMSPConfig) {
				m.FabricNodeOus = nodeUnits(nil)
				m.Admins = [][]byte{c.issued(certificateOf(k), c.ca, &x509.Certificate{Subject: pkix.Name{OrganizationalUnit: []string{"admin"}}})}
			}),
			k.name + " unit": inMSP(func(m *fabric.FabricMSPConfig) {
				m.OrganizationalUnitIdentifiers = append(m.OrganizationalUnitIdentifiers, &mb.FabricOUIdentifier{OrganizationalUnitIdentifier: "unit", Certificate: inner})
			}),
		})
	}
	return all
}

func nodeUnits(cert []byte) *mb.FabricNodeOUs {
	unit := func(name string) *mb.FabricOUIdentifier {
		return &mb.FabricOUIdentifier{OrganizationalUnitIdentifier: name, Certificate: cert}
	}
	return &mb.FabricNodeOUs{Enable: true, ClientOuIdentifier: unit("client"), PeerOuIdentifier: unit("peer"), AdminOuIdentifier: unit("admin"), OrdererOuIdentifier: unit("orderer")}
}
