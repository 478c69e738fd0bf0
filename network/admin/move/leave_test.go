package move_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/crypto/tlsgen"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

// What leave refuses before it submits anything, and what it shows.
func TestLeaveChecks(t *testing.T) {
	shared := admintest.NewSharedChannel(t)
	stranger, err := tlsgen.NewCA()
	checktest.Must(t, err)
	foreign, err := stranger.NewServerCertKeyPair("127.0.0.1")
	checktest.Must(t, err)
	checktest.Must(t, os.WriteFile(filepath.Join(shared.Dir, "foreign.pem"), foreign.Cert, 0o600))
	line := func(port int, certificate string) string {
		return fmt.Sprintf("[{Host: 127.0.0.1, Port: %d, ClientTLSCert: %s, ServerTLSCert: %s}]", port, certificate, certificate)
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(shared.Dir, "server.pem"), filepath.Join(shared.Dir, "server.key"))
	checktest.Must(t, err)
	listening, another := serve(t, own), serve(t, pairOf(t, foreign))
	for name, c := range map[string]struct {
		code int
		says string
		file string
		more []string
	}{
		"right":                          {command.ExitFine, `"consenters": [`, line(listening, "server.pem"), nil},
		"a port that is not asked":       {command.ExitFine, `"consenters": [`, line(shared.Port, "server.pem"), []string{"--no-ports"}},
		"nobody at the port":             {command.ExitRefused, "does not answer at its port", line(shared.Port, "server.pem"), nil},
		"another's certificate":          {command.ExitRefused, "presents the certificate of", line(another, "server.pem"), nil},
		"by an unknown authority":        {command.ExitRefused, "not one that Raft accepts", line(listening, "foreign.pem"), nil},
		"a consenter twice":              {command.ExitRefused, "another consenter has its TLS certificate", strings.Replace(line(listening, "server.pem"), "}]", "}, ", 1) + line(listening, "server.pem")[1:], nil},
		"a port over 65535":              {command.ExitRefused, "Raft would not start", line(1<<17, "server.pem"), []string{"--no-ports"}},
		"no such certificate":            {command.ExitUsage, "no such file", line(listening, "missing.pem"), nil},
		"no list":                        {command.ExitUsage, "not a list of consenters", "Consenters: []", nil},
		"an unknown key":                 {command.ExitUsage, "field Hosts not found", "[{Hosts: o}]", nil},
		"fewer consenters than orderers": {command.ExitRefused, "--consenters has 1", line(shared.Port, "server.pem"), []string{"--no-ports", "--orderer", shared.Orderer.Another(t, orderertest.LedgerOf(proto.Clone(shared.Block).(*cb.Block))).Address}},
		"a negative time":                {command.ExitUsage, "--settle", line(shared.Port, "server.pem"), []string{"--settle", "-1s"}},
		"nothing to abort":               {command.ExitFine, "is ordered by Kafka (type etcdraft)", line(shared.Port, "server.pem"), []string{"--abort"}},
		"nobody":                         {command.ExitUsage, "names no consenter", "[]", nil},
		"no identity":                    {command.ExitUsage, "want MSPID:DIR", line(listening, "server.pem"), []string{"--sign", "OrgMSP"}},
		"no time to wait":                {command.ExitUsage, "--wait", line(listening, "server.pem"), []string{"--wait", "0s"}},
		"a dry run that writes":          {command.ExitUsage, "--dry-run writes no file", line(listening, "server.pem"), []string{"--save", "update.pb"}},
		"an orderer that is not reached": {command.ExitUnreachable, "Every orderer must answer", line(listening, "server.pem"), []string{"--orderer", "127.0.0.1:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"leave", "mychannel", "--dry-run", "--consenters", shared.File(t, c.file)}, shared.Read(t)...)
			code, out, errs := admintest.Run(t, append(args, c.more...)...)
			if code != c.code || !strings.Contains(out+errs, c.says) {
				t.Errorf("exit code %d, want %d; it does not say %q:\n%s%s", code, c.code, c.says, out, errs)
			}
		})
	}
}

func pairOf(t *testing.T, p *tlsgen.CertKeyPair) tls.Certificate {
	t.Helper()
	c, err := tls.X509KeyPair(p.Cert, p.Key)
	checktest.Must(t, err)
	return c
}

// serve presents a certificate at a port of loopback until the test ends.
func serve(t *testing.T, certificate tls.Certificate) (port int) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	checktest.Must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake()
			_ = conn.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// Every orderer must have the newest config, and be named.
func TestMoveAsksEveryOrderer(t *testing.T) {
	shared := admintest.NewSharedChannel(t)
	with := func(change func(*cb.Config)) *cb.Block {
		b := proto.Clone(shared.Block).(*cb.Block)
		config, err := client.ConfigOf(b)
		checktest.Must(t, err)
		change(config)
		envelope, err := protoutil.CreateSignedEnvelope(cb.HeaderType_CONFIG, "mychannel", nil, &cb.ConfigEnvelope{Config: config}, 0, 0)
		checktest.Must(t, err)
		b.Data.Data = [][]byte{protoutil.MarshalOrPanic(envelope)}
		b.Header.DataHash = protoutil.BlockDataHash(b.Data)
		return b
	}
	endpoints := func(c *cb.Config) {
		c.ChannelGroup.Groups["Orderer"].Groups["Org"].Values["Endpoints"].Value = protoutil.MarshalOrPanic(&cb.OrdererAddresses{Addresses: []string{"orderer9:7050"}})
	}
	for name, c := range map[string]struct {
		change func(*cb.Config)
		code   int
		says   string
		more   []string
	}{
		"the same":              {func(*cb.Config) {}, command.ExitFine, "Nothing was submitted", nil},
		"one that is behind":    {func(c *cb.Config) { c.Sequence++ }, command.ExitRefused, "does not have the newest config", nil},
		"one that has diverged": {endpoints, command.ExitRefused, "have diverged", nil},
	} {
		t.Run(name, func(t *testing.T) {
			other := shared.Orderer.Another(t, orderertest.LedgerOf(with(c.change)))
			args := append([]string{"leave", "mychannel", "--dry-run", "--orderer", other.Address}, append(shared.Flags(t), c.more...)...)
			code, out, errs := admintest.Run(t, args...)
			if code != c.code || !strings.Contains(out+errs, c.says) {
				t.Errorf("exit code %d, want %d; it does not say %q:\n%s%s", code, c.code, c.says, out, errs)
			}
		})
	}
	only := shared.Orderer.Another(t, orderertest.LedgerOf(with(endpoints)))
	args := []string{"leave", "mychannel", "--dry-run"}
	for _, flag := range shared.Flags(t) {
		args = append(args, strings.Replace(flag, shared.Orderer.Address, only.Address, 1))
	}
	if code, _, errs := admintest.Run(t, args...); code != command.ExitUsage || !strings.Contains(errs, "add --orderer orderer9:7050") {
		t.Errorf("an orderer that is not named: exit code %d: %s", code, errs)
	}
	if code, _, errs := admintest.Run(t, append(args, "--without", "orderer9:7050")...); code != command.ExitFine {
		t.Errorf("an orderer that no longer exists: exit code %d: %s", code, errs)
	}
}

// The update for administrators who sign elsewhere has the signature of this one.
func TestSavedUpdate(t *testing.T) {
	shared := admintest.NewSharedChannel(t)
	file := filepath.Join(t.TempDir(), "update.pb")
	code, out, errs := admintest.Run(t, append([]string{"leave", "mychannel", "--save", file}, shared.Flags(t)...)...)
	if code != command.ExitFine || !strings.Contains(out, "maintenance mode: the update is in "+file) {
		t.Fatalf("exit code %d: %s%s", code, out, errs)
	}
	text, err := os.ReadFile(file)
	checktest.Must(t, err)
	envelope, err := protoutil.UnmarshalEnvelope(text)
	checktest.Must(t, err)
	update := &cb.ConfigUpdateEnvelope{}
	_, err = protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_CONFIG_UPDATE, update)
	checktest.Must(t, err)
	if len(update.Signatures) != 1 || len(update.ConfigUpdate) == 0 {
		t.Errorf("%d signatures of an update of %d bytes", len(update.Signatures), len(update.ConfigUpdate))
	}
}

func TestMoveOfAnotherChannel(t *testing.T) {
	shared := admintest.NewSharedChannel(t)
	code, _, errs := admintest.Run(t, append([]string{"change-type", "mychannel", "--json"}, shared.Read(t)...)...)
	if code != command.ExitFine {
		t.Errorf("a channel that has the type: exit code %d: %s", code, errs)
	}
}

// What the config shows to be impossible is refused before clients are.
func TestMoveThatOrderersWouldRefuse(t *testing.T) {
	without := func(change func(*cb.ConfigGroup)) []string {
		b := admintest.ConfigBlock("mychannel", []string{"kafka:9092"})
		config, err := client.ConfigOf(b)
		checktest.Must(t, err)
		change(config.ChannelGroup)
		envelope, err := protoutil.CreateSignedEnvelope(cb.HeaderType_CONFIG, "mychannel", nil, &cb.ConfigEnvelope{Config: config}, 0, 0)
		checktest.Must(t, err)
		b.Data.Data = [][]byte{protoutil.MarshalOrPanic(envelope)}
		b.Header.DataHash = protoutil.BlockDataHash(b.Data)
		o := orderertest.StartGuarded(t, "mychannel", orderertest.LedgerOf(b))
		return []string{"change-type", "mychannel", "--orderer", o.Address, "--cafile", o.CA, "--client-cert", o.ClientCert, "--client-key", o.ClientKey,
			"--mspdir", orderertest.MSPDir(t), "--mspid", "Org1MSP"}
	}
	for says, change := range map[string]func(*cb.ConfigGroup){
		"needs KafkaBrokers with at least one host:port": func(g *cb.ConfigGroup) { delete(g.Groups["Orderer"].Values, "KafkaBrokers") },
		"V1_4_2 or later in /Channel":                    func(g *cb.ConfigGroup) { delete(g.Values, "Capabilities") },
		"and in /Channel/Orderer":                        func(g *cb.ConfigGroup) { delete(g.Groups["Orderer"].Values, "Capabilities") },
		"by the rules of in-tree orderers":               func(*cb.ConfigGroup) {}, // nobody has cut a block
	} {
		if code, out, errs := admintest.Run(t, without(change)...); code != command.ExitRefused || !strings.Contains(errs, says) {
			t.Errorf("exit code %d; it does not say %q: %s%s", code, says, out, errs)
		}
	}
}
