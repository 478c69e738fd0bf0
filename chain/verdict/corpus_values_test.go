package verdict

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"math"
	"math/big"
	"strings"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	mb "github.com/hyperledger/fabric-protos-go/msp"
	pb "github.com/hyperledger/fabric-protos-go/peer"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// moreChanges returns config updates beyond those of changes: with every value of a channel
// config at its limits, and with certificates of all kinds.
func moreChanges(c *realChannel) map[string]func(*fabric.ConfigGroup) {
	all := map[string]func(*fabric.ConfigGroup){
		"no size":    func(g *fabric.ConfigGroup) { set(g.Groups["Orderer"], "BatchSize", &fabric.BatchSize{}) },
		"no timeout": func(g *fabric.ConfigGroup) { set(g.Groups["Orderer"], "BatchTimeout", &fabric.BatchTimeout{}) },
		"restrictions": func(g *fabric.ConfigGroup) {
			set(g.Groups["Orderer"], "ChannelRestrictions", &fabric.ChannelRestrictions{MaxCount: 1})
		},
		"preferred above absolute": func(g *fabric.ConfigGroup) {
			set(g.Groups["Orderer"], "BatchSize", &fabric.BatchSize{MaxMessageCount: 1, AbsoluteMaxBytes: 1, PreferredMaxBytes: 2})
		},
		"largest size": func(g *fabric.ConfigGroup) {
			set(g.Groups["Orderer"], "BatchSize", &fabric.BatchSize{MaxMessageCount: math.MaxUint32, AbsoluteMaxBytes: math.MaxUint32, PreferredMaxBytes: math.MaxUint32})
		},
		"SHA3":    func(g *fabric.ConfigGroup) { set(g, "HashingAlgorithm", &cb.HashingAlgorithm{Name: "SHA3_256"}) },
		"no hash": func(g *fabric.ConfigGroup) { delete(g.Values, "HashingAlgorithm") },
		"width": func(g *fabric.ConfigGroup) {
			set(g, "BlockDataHashingStructure", &cb.BlockDataHashingStructure{Width: 7})
		},
		"no width":          func(g *fabric.ConfigGroup) { delete(g.Values, "BlockDataHashingStructure") },
		"consortium":        func(g *fabric.ConfigGroup) { set(g, "Consortium", &cb.Consortium{Name: "C"}) },
		"no endpoint value": func(g *fabric.ConfigGroup) { delete(g.Groups["Orderer"].Groups["Org"].Values, "Endpoints") },
		"no organization":   func(g *fabric.ConfigGroup) { delete(g.Groups["Orderer"].Groups, "Org") },
		"no peers":          func(g *fabric.ConfigGroup) { delete(g.Groups["Application"].Groups, "Org") },
		"no orderers":       func(g *fabric.ConfigGroup) { delete(g.Groups, "Orderer") },
		"no MSP":            func(g *fabric.ConfigGroup) { delete(g.Groups["Application"].Groups["Org"].Values, "MSP") },
		"empty MSP":         func(g *fabric.ConfigGroup) { set(g.Groups["Application"].Groups["Org"], "MSP", &fabric.MSPConfig{}) },
		"an anchor": func(g *fabric.ConfigGroup) {
			set(g.Groups["Application"].Groups["Org"], "AnchorPeers", &fabric.AnchorPeers{AnchorPeers: []*pb.AnchorPeer{{Host: "", Port: -1}}})
		},
		"an ACL": func(g *fabric.ConfigGroup) {
			set(g.Groups["Application"], "ACLs", &fabric.ACLs{Acls: map[string]*pb.APIResource{"a": {PolicyRef: "/Channel/x"}, "": {}}})
		},
		"no policies":        func(g *fabric.ConfigGroup) { g.Groups["Orderer"].Policies = nil },
		"no BlockValidation": func(g *fabric.ConfigGroup) { delete(g.Groups["Orderer"].Policies, "BlockValidation") },
		"a mod policy":       func(g *fabric.ConfigGroup) { g.Groups["Orderer"].ModPolicy = "/Channel/Orderer" },
		"an organization": func(g *fabric.ConfigGroup) {
			g.Groups["Application"].Groups["New"] = &fabric.ConfigGroup{ModPolicy: "Admins"}
		},
		"an organization of another name": func(g *fabric.ConfigGroup) {
			g.Groups["Application"].Groups["New"] = g.Groups["Application"].Groups["Org"]
		},
	}
	for name, list := range map[string][]string{"none": {""}, "port": {":9092"}, "no port": {"kafka"}, "two colons": {"a:1:2"}, "twice": {"a:1", "a:1"},
		"large port": {"a:99999"}, "long": {strings.Repeat("a", 300) + ":1"}, "slash": {"a/b:1"}, "not ASCII": {"k\u00e4fka:1"}, "end": {"a-:1"}, "dot": {".a:1"}} {
		all["broker "+name] = brokerList(list...)
		all["endpoint "+name] = func(g *fabric.ConfigGroup) {
			set(g.Groups["Orderer"].Groups["Org"], "Endpoints", &fabric.OrdererAddresses{Addresses: list})
		}
	}
	for _, timeout := range []string{"-1s", "0s", "x", "1ns", "9999999h", "1"} {
		all["timeout "+timeout] = func(g *fabric.ConfigGroup) {
			set(g.Groups["Orderer"], "BatchTimeout", &fabric.BatchTimeout{Timeout: timeout})
		}
	}
	maps.Copy(all, mspChanges(c))
	maps.Copy(all, capabilityChanges())
	maps.Copy(all, certificates(c))
	return all
}

// mspChanges returns changes of MSPs other than those of certificates.
func mspChanges(c *realChannel) map[string]func(*fabric.ConfigGroup) {
	all := map[string]func(*fabric.ConfigGroup){
		"another MSP name": inMSP(func(m *fabric.FabricMSPConfig) { m.Name = "Other" }),
		"no MSP name":      inMSP(func(m *fabric.FabricMSPConfig) { m.Name = "" }),
		"no roots":         inMSP(func(m *fabric.FabricMSPConfig) { m.RootCerts = nil }),
		"no admins":        inMSP(func(m *fabric.FabricMSPConfig) { m.Admins = nil }),
		"a root twice":     inMSP(func(m *fabric.FabricMSPConfig) { m.RootCerts = append(m.RootCerts, m.RootCerts[0]) }),
		"no PEM":           inMSP(func(m *fabric.FabricMSPConfig) { m.RootCerts = append(m.RootCerts, []byte("no PEM")) }),
		"no certificate": inMSP(func(m *fabric.FabricMSPConfig) {
			m.Admins = append(m.Admins, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}}))
		}),
		"a signer": inMSP(func(m *fabric.FabricMSPConfig) {
			m.SigningIdentity = &mb.SigningIdentityInfo{PublicSigner: c.admin.Cert}
		}),
		"no crypto":      inMSP(func(m *fabric.FabricMSPConfig) { m.CryptoConfig = nil }),
		"revoked":        inMSP(func(m *fabric.FabricMSPConfig) { m.RevocationList = [][]byte{c.revoked()} }),
		"bad revocation": inMSP(func(m *fabric.FabricMSPConfig) { m.RevocationList = [][]byte{[]byte("none")} }),
	}
	for _, hash := range []string{"SHA3", "SHA256", "sha2"} {
		all["family "+hash] = inMSP(func(m *fabric.FabricMSPConfig) { m.CryptoConfig.SignatureHashFamily = hash })
		all["identity hash "+hash] = inMSP(func(m *fabric.FabricMSPConfig) { m.CryptoConfig.IdentityIdentifierHashFunction = hash })
	}
	return all
}

// capabilityChanges returns changes that each enable one capability in one group.
func capabilityChanges() map[string]func(*fabric.ConfigGroup) {
	all := map[string]func(*fabric.ConfigGroup){}
	for _, name := range []string{"", "V1_1", "V1_2", "V1_3", "V1_4_2", "V1_4_3", "V2_0", "V2_5", "V3_0", "V3_1", "V4_0", "V2_0_EXPERIMENTAL", "V1_1_PVTDATA_EXPERIMENTAL"} {
		all["only channel "+name] = func(g *fabric.ConfigGroup) { enable(g, name) }
		all["only orderer "+name] = func(g *fabric.ConfigGroup) { enable(g.Groups["Orderer"], name) }
		all["only application "+name] = func(g *fabric.ConfigGroup) { enable(g.Groups["Application"], name) }
	}
	for _, group := range []string{"Orderer", "Application"} {
		all["no capabilities of "+group] = func(g *fabric.ConfigGroup) { delete(g.Groups[group].Values, "Capabilities") }
	}
	all["no capabilities"] = func(g *fabric.ConfigGroup) { delete(g.Values, "Capabilities") }
	return all
}

// revoked returns a revocation list of the organization's authority, in PEM.
func (c *realChannel) revoked() []byte {
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: time.Now()}}}
	der, err := x509.CreateRevocationList(rand.Reader, list, c.parsed(c.ca.CertBytes()), c.ca.Signer())
	if err != nil {
		c.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}
