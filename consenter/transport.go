package consenter

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// load returns what makes the config of one connection from what the files hold
// at that time, so that renewed certificates and authorities need no restart; nil
// if TLS is off. It reads them once: the error names every file that cannot be used.
func (t TLS) load() (func() (*tls.Config, error), error) {
	if !t.Enabled {
		return nil, nil
	}
	if _, err := t.config(); err != nil {
		return nil, err
	}
	return t.config, nil
}

func (t TLS) config() (*tls.Config, error) {
	roots, rootsErr := t.roots()
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, RootCAs: roots}
	if t.Certificate == "" || t.PrivateKey == "" {
		return config, rootsErr
	}
	pair, pairErr := t.pair()
	// Unlike one of config.Certificates, this is shown to a broker that did not name
	// its authority, too: the broker then says what it has against it.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
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
	if err == nil {
		return &pair, nil
	}
	var unread *os.PathError
	if !errors.As(err, &unread) {
		err = fmt.Errorf("%s and %s: %w", t.Certificate, t.PrivateKey, err)
	}
	return nil, fmt.Errorf("%s.TLS.Certificate and PrivateKey: %w", Key, err)
}
