package consenter

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/fabric-kafka/orderer/chain/log/kafka"
)

// load reads the files, and returns nil if TLS is off. The error names every
// file that cannot be used.
func (t TLS) load() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	roots, rootsErr := t.roots()
	config.RootCAs = roots
	if t.Certificate == "" || t.PrivateKey == "" {
		return config, rootsErr
	}
	// Read again for each connection, so that a rotated certificate needs no restart.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.pair() }
	_, pairErr := t.pair()
	return config, errors.Join(rootsErr, pairErr)
}

// roots returns nil, which means the system's, if there are no files.
func (t TLS) roots() (*x509.CertPool, error) {
	if len(t.RootCAs) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	var faults []error
	for _, file := range t.RootCAs {
		pem, err := os.ReadFile(file)
		if err == nil && !pool.AppendCertsFromPEM(pem) {
			err = fmt.Errorf("%s holds no certificate in PEM", file)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s.TLS.RootCAs: %w", Key, err))
		}
	}
	return pool, errors.Join(faults...)
}

func (t TLS) pair() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.Certificate, t.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("%s.TLS.Certificate and PrivateKey: %w", Key, err)
	}
	return &pair, nil
}

// load reads the password, and returns nil if SASL is off.
func (s SASL) load() (*kafka.SASL, error) {
	if s.Mechanism == "" || s.PasswordFile == "" {
		return nil, nil
	}
	content, err := os.ReadFile(s.PasswordFile)
	password := strings.TrimRight(string(content), "\r\n")
	if err == nil && password == "" {
		err = fmt.Errorf("%s is empty", s.PasswordFile)
	}
	if err != nil {
		return nil, fmt.Errorf("%s.SASL.PasswordFile: %w", Key, err)
	}
	return &kafka.SASL{User: s.User, Password: password}, nil
}
