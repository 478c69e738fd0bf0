package admintest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/msp"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/crypto/tlsgen"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
	"github.com/fabric-kafka/orderer/network/genesis"
)

// SharedChannel is a channel of the shared type, an orderer that serves it, and a file of two consenters.
type SharedChannel struct {
	Block      *cb.Block // its genesis block
	Orderer    *orderertest.Orderer
	Consenters string // file of --consenters
	Dir        string // of that file, server.pem and server.key
	Port       int    // at which nobody listens
	Authority  tlsgen.CA
}

// NewSharedChannel starts the orderer of a channel whose organization issued the certificates of the consenters.
func NewSharedChannel(t *testing.T) *SharedChannel {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ca, err := tlsgen.NewCA()
	must(err)
	pair, err := ca.NewServerCertKeyPair("127.0.0.1")
	must(err)
	port, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	s := &SharedChannel{Dir: t.TempDir(), Authority: ca, Port: port.Addr().(*net.TCPAddr).Port}
	must(port.Close())
	other, err := ca.NewServerCertKeyPair("127.0.0.1")
	must(err)
	for name, text := range map[string][]byte{"server.pem": pair.Cert, "server.key": pair.Key, "other.pem": other.Cert} {
		must(os.WriteFile(filepath.Join(s.Dir, name), text, 0o600))
	}
	s.Consenters = s.File(t, fmt.Sprintf("[{Host: 127.0.0.1, Port: %d, ClientTLSCert: server.pem, ServerTLSCert: server.pem},"+
		" {Host: other, Port: 7050, ClientTLSCert: other.pem, ServerTLSCert: other.pem}]", s.Port))
	s.Block = ConfigBlock("mychannel", []string{"kafka:9092"})
	must(s.change(func(group *cb.ConfigGroup) error {
		is, err := genesis.Shared(&ab.ConsensusType{Type: "kafka"})
		if err != nil {
			return err
		}
		group.Values["ConsensusType"].Value = protoutil.MarshalOrPanic(is)
		id := protoutil.MarshalOrPanic(&msp.FabricMSPConfig{Name: "Org", TlsRootCerts: [][]byte{ca.CertBytes()}})
		group.Groups["Org"].Values["MSP"].Value = protoutil.MarshalOrPanic(&msp.MSPConfig{Config: id})
		return nil
	}))
	s.Orderer = orderertest.StartGuarded(t, "mychannel", orderertest.LedgerOf(proto.Clone(s.Block).(*cb.Block)))
	return s
}

// File writes a file of consenters next to the certificates.
func (s *SharedChannel) File(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(s.Dir, fmt.Sprintf("consenters%d.yaml", strings.Count(text, "")))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Flags returns the flags of osnkafka leave, with --no-ports.
func (s *SharedChannel) Flags(t *testing.T) []string {
	t.Helper()
	return append(s.Read(t), "--consenters", s.Consenters, "--no-ports")
}

// Read returns the flags by which the orderer is read.
func (s *SharedChannel) Read(t *testing.T) []string {
	t.Helper()
	o := s.Orderer
	return []string{"--orderer", o.Address, "--cafile", o.CA, "--client-cert", o.ClientCert, "--client-key", o.ClientKey,
		"--mspdir", orderertest.MSPDir(t), "--mspid", "Org1MSP"}
}

// change changes the orderer group of the genesis block.
func (s *SharedChannel) change(f func(*cb.ConfigGroup) error) error {
	config, err := client.ConfigOf(s.Block)
	if err != nil {
		return err
	}
	if err := f(config.ChannelGroup.Groups["Orderer"]); err != nil {
		return err
	}
	envelope, err := protoutil.CreateSignedEnvelope(cb.HeaderType_CONFIG, "mychannel", nil, &cb.ConfigEnvelope{Config: config}, 0, 0)
	if err != nil {
		return err
	}
	s.Block.Data.Data = [][]byte{protoutil.MarshalOrPanic(envelope)}
	s.Block.Header.DataHash = protoutil.BlockDataHash(s.Block.Data)
	return nil
}
