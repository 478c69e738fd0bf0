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

// Leaver is a channel of type etcdraft that is ordered through Kafka, with an orderer that serves it, and a consenter that
// could continue it by Raft, and another one.
type Leaver struct {
	Block      *cb.Block // its genesis block
	Orderer    *orderertest.Orderer
	Consenters string // file of --consenters
	Dir        string // of that file, server.pem and server.key
	Port       int    // at which nobody listens
	Authority  tlsgen.CA
}

// NewLeaver starts the orderer of a channel whose organization issued the certificate of the consenter.
func NewLeaver(t *testing.T) *Leaver {
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
	l := &Leaver{Dir: t.TempDir(), Authority: ca, Port: port.Addr().(*net.TCPAddr).Port}
	must(port.Close())
	other, err := ca.NewServerCertKeyPair("127.0.0.1")
	must(err)
	for name, text := range map[string][]byte{"server.pem": pair.Cert, "server.key": pair.Key, "other.pem": other.Cert} {
		must(os.WriteFile(filepath.Join(l.Dir, name), text, 0o600))
	}
	l.Consenters = l.File(t, fmt.Sprintf("[{Host: 127.0.0.1, Port: %d, ClientTLSCert: server.pem, ServerTLSCert: server.pem},"+
		" {Host: other, Port: 7050, ClientTLSCert: other.pem, ServerTLSCert: other.pem}]", l.Port))
	l.Block = ConfigBlock("mychannel", []string{"kafka:9092"})
	must(l.change(func(group *cb.ConfigGroup) error {
		is, err := genesis.Shared(&ab.ConsensusType{Type: "kafka"})
		if err != nil {
			return err
		}
		group.Values["ConsensusType"].Value = protoutil.MarshalOrPanic(is)
		id := protoutil.MarshalOrPanic(&msp.FabricMSPConfig{Name: "Org", TlsRootCerts: [][]byte{ca.CertBytes()}})
		group.Groups["Org"].Values["MSP"].Value = protoutil.MarshalOrPanic(&msp.MSPConfig{Config: id})
		return nil
	}))
	l.Orderer = orderertest.StartGuarded(t, "mychannel", orderertest.LedgerOf(proto.Clone(l.Block).(*cb.Block)))
	return l
}

// File writes a file of consenters next to the certificate.
func (l *Leaver) File(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(l.Dir, fmt.Sprintf("consenters%d.yaml", strings.Count(text, "")))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Flags returns the flags of osnkafka leave, with --no-ports.
func (l *Leaver) Flags(t *testing.T) []string {
	t.Helper()
	return append(l.Read(t), "--consenters", l.Consenters, "--no-ports")
}

// Read returns the flags by which the orderer is read.
func (l *Leaver) Read(t *testing.T) []string {
	t.Helper()
	o := l.Orderer
	return []string{"--orderer", o.Address, "--cafile", o.CA, "--client-cert", o.ClientCert, "--client-key", o.ClientKey,
		"--mspdir", orderertest.MSPDir(t), "--mspid", "Org1MSP"}
}

// change changes the orderer group of the genesis block.
func (l *Leaver) change(f func(*cb.ConfigGroup) error) error {
	config, err := client.ConfigOf(l.Block)
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
	l.Block.Data.Data = [][]byte{protoutil.MarshalOrPanic(envelope)}
	l.Block.Header.DataHash = protoutil.BlockDataHash(l.Block.Data)
	return nil
}
