package client

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// TLS names the files, in PEM, of connections to an orderer. The zero value is plain text.
type TLS struct {
	CA         string // that signed the orderer's certificate; empty: plain text
	ServerName string // in the orderer's certificate; empty: the host of its address
	Cert, Key  string // of the client, for orderers that ask for them; both or none
}

// load returns the credentials of a connection, and the hash of the client's certificate,
// which an orderer with client authentication requires in each request for blocks.
func (t TLS) load() (creds credentials.TransportCredentials, binding []byte, err error) {
	config, err := t.Client()
	switch {
	case err != nil:
		return nil, nil, err
	case config == nil:
		return insecure.NewCredentials(), nil, nil
	case len(config.Certificates) > 0:
		sum := sha256.Sum256(config.Certificates[0].Certificate[0])
		binding = sum[:]
	}
	return credentials.NewTLS(config), binding, nil
}

// Client returns the config of TLS connections by the current content of the files; nil
// for plain text.
func (t TLS) Client() (*tls.Config, error) {
	switch {
	case (t.Cert == "") != (t.Key == ""):
		return nil, errors.New("a client certificate needs its key, and a key its certificate")
	case t.CA == "" && t.Cert != "":
		return nil, errors.New("a client certificate needs TLS: name the CA of the orderer's certificate")
	case t.CA == "" && t.ServerName != "":
		return nil, errors.New("a host name in certificates needs TLS: name the CA of the orderer's certificate")
	case t.CA == "":
		return nil, nil
	}
	ca, err := os.ReadFile(t.CA)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if !config.RootCAs.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", t.CA)
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("client certificate %s: %w", t.Cert, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Check reports what is wrong with the files.
func (t TLS) Check() error {
	_, _, err := t.load()
	return err
}
