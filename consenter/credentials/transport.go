// Package credentials reads what an orderer shows the brokers and whom it trusts among them:
// certificates, keys and authorities for TLS, passwords and tokens for SASL.
//
// All of it is in files, or printed by a program, that may be replaced at any time without a
// restart. So it is read for each connection and at each login; what is loaded at start
// shows that it can be read. An error names the key of orderer.yaml, the file and the line;
// it never contains a secret. The package has no goroutine.
package credentials

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/consenter/settings"
)

// LoadTLS returns a function that builds the config of one connection from the current
// content of the files, so that renewed certificates and authorities need no restart; nil
// if TLS is off. LoadTLS reads the files once: its error names every unusable one.
func LoadTLS(t settings.TLS) (func() (*tls.Config, error), error) {
	if !t.Enabled {
		return nil, nil
	}
	if _, err := tlsConfig(t); err != nil {
		return nil, err
	}
	return func() (*tls.Config, error) { return tlsConfig(t) }, nil
}

func tlsConfig(t settings.TLS) (*tls.Config, error) {
	roots, rootsErr := rootCAs(t.RootCAs)
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, RootCAs: roots}
	if t.Certificate == "" || t.PrivateKey == "" {
		return config, rootsErr
	}
	pair, pairErr := keyPair(t.Certificate, t.PrivateKey)
	// Unlike a certificate in config.Certificates, it is also sent to a broker that does not
	// name its authority, which then reports why it refuses it.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	return config, errors.Join(rootsErr, pairErr)
}

// rootCAs returns the authorities in files. Without files it returns nil, which means those
// of the system.
func rootCAs(files []string) (*x509.CertPool, error) {
	if len(files) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	var faults []error
	for _, name := range files {
		all, err := readFile(name, func(content []byte) ([]*x509.Certificate, error) { return certificates(content) })
		for _, c := range all {
			pool.AddCert(c)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s.TLS.RootCAs: %w", settings.Key, err))
		}
	}
	return pool, errors.Join(faults...)
}

// keyPair returns the certificate with its chain, and its key. One file may hold both.
func keyPair(certificateFile, keyFile string) (*tls.Certificate, error) {
	chain, chainErr := readFile(certificateFile, func(content []byte) ([]*x509.Certificate, error) {
		return certificates(content, privateKeyBlock, parametersBlock)
	})
	if chainErr != nil {
		chainErr = fmt.Errorf("%s.TLS.Certificate: %w", settings.Key, chainErr)
	}
	key, keyErr := readFile(keyFile, privateKey)
	if keyErr != nil {
		keyErr = fmt.Errorf("%s.TLS.PrivateKey: %w", settings.Key, keyErr)
	}
	if err := errors.Join(chainErr, keyErr); err != nil {
		return nil, err
	}
	var certificate bytes.Buffer
	for _, c := range chain {
		_ = pem.Encode(&certificate, &pem.Block{Type: certificateBlock, Bytes: c.Raw}) // writing to a buffer does not fail
	}
	pair, err := tls.X509KeyPair(certificate.Bytes(), pem.EncodeToMemory(key))
	if err != nil {
		return nil, fmt.Errorf("%s.TLS.Certificate and PrivateKey: %s and %s: %w", settings.Key, certificateFile, keyFile, err)
	}
	return &pair, nil
}

// readFile reads a file that the configuration names and parses its content. The error
// names the file.
func readFile[T any](name string, parse func(content []byte) (T, error)) (T, error) {
	var none T
	content, err := settings.ReadFile(name)
	if err != nil {
		return none, err
	}
	parsed, err := parse(content)
	if err != nil {
		return none, fmt.Errorf("%s: %w", name, err)
	}
	return parsed, nil
}
