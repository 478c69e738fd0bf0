package move

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/msp"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/common/channelconfig"
	"gopkg.in/yaml.v2"
)

// entry is a consenter as in configtx.yaml.
type entry struct {
	Host          string `yaml:"Host"`
	Port          uint32 `yaml:"Port"`
	ClientTLSCert string `yaml:"ClientTLSCert"`
	ServerTLSCert string `yaml:"ServerTLSCert"`
}

func readConsenters(file string) ([]*etcdraft.Consenter, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var entries []entry
	if err := yaml.UnmarshalStrict(text, &entries); err != nil {
		return nil, fmt.Errorf("it is not a list of consenters: %w", err)
	}
	if len(entries) == 0 {
		return nil, errors.New("it names no consenter")
	}
	all := make([]*etcdraft.Consenter, len(entries))
	for i, e := range entries {
		all[i] = &etcdraft.Consenter{Host: e.Host, Port: e.Port}
		for _, c := range []struct {
			name string
			into *[]byte
		}{{e.ClientTLSCert, &all[i].ClientTlsCert}, {e.ServerTLSCert, &all[i].ServerTlsCert}} {
			if *c.into, err = os.ReadFile(relativeTo(file, c.name)); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func relativeTo(file, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(file), name)
}

// issued returns an error unless each certificate of the consenters is valid now, and was issued by a TLS authority of an
// orderer organization of the config: Raft accepts no other.
func issued(list []*etcdraft.Consenter, config *cb.Config) error {
	roots, intermediates, err := authorities(config)
	if err != nil {
		return err
	}
	for _, c := range list {
		for _, text := range [][]byte{c.ClientTlsCert, c.ServerTlsCert} {
			certificate, err := parse(text)
			if err == nil {
				_, err = certificate.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
			}
			if err != nil {
				return fmt.Errorf("consenter %s:%d: its TLS certificate is not one that Raft accepts: %w", c.Host, c.Port, err)
			}
		}
	}
	return nil
}

// authorities returns the TLS authorities of a config's orderer organizations.
func authorities(config *cb.Config) (roots, intermediates *x509.CertPool, err error) {
	roots, intermediates = x509.NewCertPool(), x509.NewCertPool()
	for name, org := range config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey].GetGroups() {
		outer, inner := &msp.MSPConfig{}, &msp.FabricMSPConfig{}
		if err := proto.Unmarshal(org.GetValues()[channelconfig.MSPKey].GetValue(), outer); err != nil {
			return nil, nil, fmt.Errorf("the MSP of %s: %w", name, err)
		}
		if err := proto.Unmarshal(outer.Config, inner); err != nil {
			return nil, nil, fmt.Errorf("the MSP of %s: %w", name, err)
		}
		for _, text := range inner.TlsRootCerts {
			roots.AppendCertsFromPEM(text)
		}
		for _, text := range inner.TlsIntermediateCerts {
			intermediates.AppendCertsFromPEM(text)
		}
	}
	return roots, intermediates, nil
}

func parse(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not in PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// presented returns an error unless every consenter presents its server certificate at its port.
func presented(ctx context.Context, list []*etcdraft.Consenter) error {
	for _, c := range list {
		address := net.JoinHostPort(c.Host, strconv.FormatUint(uint64(c.Port), 10))
		want, err := parse(c.ServerTlsCert)
		if err != nil {
			return err
		}
		got, err := certificateAt(ctx, address)
		if err != nil {
			return fmt.Errorf("consenter %s does not answer at its port: %w\nCorrect Host and Port in --consenters, or skip this check with --no-ports if the ports cannot be reached from here", address, err)
		}
		if !bytes.Equal(got.Raw, want.Raw) {
			return fmt.Errorf("consenter %s presents the certificate of %s with serial number %x, and --consenters has that of %s with %x: correct the file, or the orderer's General.TLS or General.Cluster",
				address, got.Subject, got.SerialNumber, want.Subject, want.SerialNumber)
		}
	}
	return nil
}

// certificateAt returns the certificate that a server presents, whatever it asks of its clients.
func certificateAt(ctx context.Context, address string) (*x509.Certificate, error) {
	var leaf *x509.Certificate
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: &tls.Config{
		InsecureSkipVerify: true, // it is compared with the one that is expected
		VerifyConnection: func(s tls.ConnectionState) error {
			leaf = s.PeerCertificates[0]
			return nil
		},
	}}
	conn, err := d.DialContext(ctx, "tcp", address)
	if leaf != nil {
		err = nil
	}
	if conn != nil {
		_ = conn.Close() // nothing was sent
	}
	return leaf, err
}
